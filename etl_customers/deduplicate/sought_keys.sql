-- Reads  customer_keys.
-- Yields (kind, value): the distinct identity keys of the file, in order.
select distinct kind, value
from customer_keys
order by kind, value
