-- Reads  customer_keys, row_states.
-- Makes  sought_keys: the identity keys of the pull, and whether their owners matter. Of rows that are as
--        before only those keys matter that nobody owns.
create or replace temp table sought_keys as
select kind, value, bool_or(row_state in ('new', 'other')) as is_needed
from customer_keys
join row_states using ("row")
where row_state in ('new', 'other', 'same')
group by kind, value
