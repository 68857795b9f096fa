-- Reads  customer_keys, deduplicated_rows, validated_customers.
-- Writes row_errors: one error for each key of a failed row that an earlier, loaded row has.
insert into row_errors (stage, "row", "column", code, reference)
with loaded_keys as (
    select "row", kind, value from customer_keys semi join deduplicated_rows using ("row")
),
failed_keys as (
    select "row", kind, value, "column" from customer_keys anti join deduplicated_rows using ("row")
)
select 'deduplicate', failed_keys."row", failed_keys."column", 'duplicate_in_file', loaded_keys."row"::varchar
from failed_keys
join loaded_keys using (kind, value)
where loaded_keys."row" < failed_keys."row"
order by failed_keys."row", failed_keys."column"
