-- Reads  customer_keys, deduplicated_rows, held_keys, free_keys, released_keys.
-- Writes claimed_keys: each key that nobody has, or that its customer loses, goes to the first row with it.
insert into claimed_keys
with wanted as (
    select "row", kind, value from customer_keys semi join deduplicated_rows using ("row")
    union all
    select "row", kind, value from customer_keys semi join held_keys using ("row", kind, value)
),
free as (
    select kind, value from free_keys
    union
    select kind, value from released_keys
)
select min("row"), kind, value
from wanted
semi join free using (kind, value)
group by kind, value
order by min("row"), kind, value
