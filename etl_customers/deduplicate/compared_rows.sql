-- Reads  standing, linked_rows, customer_keys, free_keys.
-- Makes  compared_rows: rows whose customer is in the target and has to be looked at: linked now, read otherwise
--        than last time, or with an identity key that nobody has.
create or replace temp table compared_rows as
select "row", customer_id from linked_rows
union all
select "row", customer_id from standing where standing = 'other'
union all
select "row", customer_id
from standing
semi join (select "row" from customer_keys semi join free_keys using (kind, value)) using ("row")
where standing = 'same'
