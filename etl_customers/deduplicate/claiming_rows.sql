-- Reads  row_states, customer_keys, free_keys, released_keys.
-- Makes  claiming_rows: rows that are as before and have an identity key that nobody has, or that is released now.
create or replace temp table claiming_rows as
with free as (
    select kind, value from free_keys
    union
    select kind, value from released_keys
)
select "row", customer_id
from row_states
semi join (select "row" from customer_keys semi join free using (kind, value)) using ("row")
where row_state = 'same'
