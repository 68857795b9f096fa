-- Reads  standing, deduplicated_rows, linked_rows, updated_customers.
-- Writes merged_rows: what is done with each row that keeps the rules and did not fail here. Of unchanged rows
--        content_hash is null where the link has it already, or has that of a later state.
insert into merged_rows
select "row", 'create', null, content_hash from standing semi join deduplicated_rows using ("row")
union all
select "row", 'link', linked.customer_id, content_hash from standing join linked_rows as linked using ("row")
union all
select
    "row",
    case when updated."row" is null then 'unchanged' else 'update' end,
    standing.customer_id,
    case when standing = 'other' then content_hash end
from standing
left join updated_customers as updated using ("row")
where standing in ('same', 'late', 'other')
order by "row"
