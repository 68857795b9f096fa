-- Reads  validated_customers, customer_keys, existing_keys, later_rows.
-- Writes deduplicated_rows: the rows to load, in the order of the file.
insert into deduplicated_rows
select "row"
from validated_customers
where "row" not in (select "row" from later_rows)
    and "row" not in (select "row" from customer_keys semi join existing_keys using (kind, value))
order by "row"
