-- Reads  customer_keys, existing_keys.
-- Writes row_errors: one error for each key of a row that a customer in the target has.
insert into row_errors (stage, "row", "column", code, reference)
select 'deduplicate', "row", "column", 'already_exists', customer_id::varchar
from customer_keys
join existing_keys using (kind, value)
order by "row", "column"
