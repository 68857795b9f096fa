-- Reads  row_states, linked_rows.
-- Makes  compared_rows: rows whose customer is in the target and may change: linked now, or read otherwise than
--        last time.
create or replace temp table compared_rows as
select "row", customer_id from linked_rows
union all
select "row", customer_id from row_states where row_state = 'other'
