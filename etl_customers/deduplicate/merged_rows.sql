-- Reads  row_states, deduplicated_rows, linked_rows, updated_customers.
-- Writes merged_rows: what is done with each row that keeps the rules and did not fail here. Of unchanged rows
--        content_hash is null where the link has it already, or has that of a later state.
insert into merged_rows
select "row", 'create', null, content_hash from row_states semi join deduplicated_rows using ("row")
union all
select "row", 'link', linked.customer_id, content_hash from row_states join linked_rows as linked using ("row")
union all
select
    "row",
    case when updated."row" is null then 'unchanged' else 'update' end,
    row_states.customer_id,
    case when row_state = 'other' then content_hash end
from row_states
left join updated_customers as updated using ("row")
where row_state in ('same', 'late', 'other')
order by "row"
