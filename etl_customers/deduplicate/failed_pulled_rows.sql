-- Reads  row_states, customer_keys, existing_keys, blocked_rows.
-- Writes row_errors: one error for each row whose customer was erased, and one for each key
--        of a new row that a customer from elsewhere has. One statement: see failed_keys.sql.
insert into row_errors (stage, "row", "column", code, reference)
with errors as (
    select "row", 'provider_id' as "column", 'erased' as code, null::varchar as reference
    from row_states
    where row_state = 'gone'
    union all
    select "row", "column", 'already_exists', customer_id::varchar
    from customer_keys
    join existing_keys using (kind, value)
    semi join blocked_rows using ("row", customer_id)
)
select 'deduplicate', "row", "column", code, reference
from errors
order by "row", "column"
