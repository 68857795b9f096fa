-- Reads  customer_keys, row_states, existing_keys, own_customers.
-- Yields ("row", owners): the customers from elsewhere that share an identity key with a new row; in row order.
select "row", list_sort(list(distinct existing.customer_id)) as owners
from customer_keys
semi join (select "row" from row_states where row_state = 'new') using ("row")
join existing_keys as existing using (kind, value)
anti join own_customers using (customer_id)
group by "row"
order by "row"
