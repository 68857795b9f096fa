-- Reads  customer_keys, existing_keys, deduplicated_rows.
-- Writes row_errors: one error for each key of a row that a customer in the target has,
--        and one for each key of a failed row that an earlier, loaded row has.
-- One statement, because of two on one table in a transaction DuckDB 2.0.0 loses sight of what
-- the second inserts, if the first inserts nothing and the second a row group (122,880 rows) or more.
insert into row_errors (stage, "row", "column", code, reference)
with loaded_keys as (
    select "row", kind, value from customer_keys semi join deduplicated_rows using ("row")
),
failed_keys as (
    select "row", kind, value, "column" from customer_keys anti join deduplicated_rows using ("row")
),
errors as (
    select "row", "column", 'already_exists' as code, customer_id::varchar as reference
    from customer_keys
    join existing_keys using (kind, value)
    union all
    select failed_keys."row", failed_keys."column", 'duplicate_in_file', loaded_keys."row"::varchar
    from failed_keys
    join loaded_keys using (kind, value)
    where loaded_keys."row" < failed_keys."row"
)
select 'deduplicate', "row", "column", code, reference
from errors
order by "row", "column"
