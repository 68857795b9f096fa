-- Reads  hashed_rows, known_links, facts.
-- Makes  row_states: what each valid row of a pull is to the target. A row is ``new``; ``gone``, as its person
--        was or is to be erased; ``same`` as when it was read last; ``late``, as a later state of it was read
--        before; or ``other``. A state of the future, by the provider's own clock, is no later one: it would
--        stand for ever.
create or replace temp table row_states as
select
    hashed."row",
    hashed.provider_id,
    hashed.content_hash,
    links.customer_id,
    case
        when links.provider_id is null then 'new'
        when links.is_gone then 'gone'
        when links.content_hash = hashed.content_hash then 'same'
        when links.provider_updated_at > hashed.provider_updated_at
            and links.provider_updated_at <= (select text::timestamp from facts where name = 'pull_started_at')
            then 'late'
        else 'other'
    end as row_state
from hashed_rows as hashed
left join known_links as links using (provider_id)
