-- Reads  customer_keys, existing_keys.
-- Yields ("row", keys): for each row that the target does not have and that shares keys
--        with other such rows, the numbers of those keys; in the order of the file.
with existing_rows as (
    select distinct "row" from customer_keys semi join existing_keys using (kind, value)
),
new_keys as (
    select "row", kind, value from customer_keys anti join existing_rows using ("row")
),
shared as (
    select kind, value, row_number() over () as key_number
    from new_keys
    group by kind, value
    having count(*) > 1
)
select "row", list(key_number) as keys
from new_keys
join shared using (kind, value)
group by "row"
order by "row"
