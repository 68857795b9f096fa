-- Reads  customer_keys, existing_keys, blocked_rows.
-- Writes row_errors: one error for each key of a new row that a customer from elsewhere has.
insert into row_errors (stage, "row", "column", code, reference)
select 'deduplicate', "row", "column", 'already_exists', customer_id::varchar
from customer_keys
join existing_keys using (kind, value)
semi join blocked_rows using ("row", customer_id)
order by "row", "column"
