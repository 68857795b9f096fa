-- Reads  customer_keys, standing.
-- Makes  sought_keys: the identity keys of the pull, and whether their owners matter. Of rows that are as
--        before only those keys matter that nobody owns.
create or replace temp table sought_keys as
select kind, value, bool_or(standing in ('new', 'other')) as is_needed
from customer_keys
join standing using ("row")
where standing in ('new', 'other', 'same')
group by kind, value
