"""A load whose commit is cut off: the ledger, asked again, says whether it was done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine, make_url

from etl_customers.errors import DatabaseUnavailable
from etl_customers.load.load import LoadCounts, load_customers
from etl_customers.staging import Staging
from etl_customers.target.connect import connect, reading
from etl_customers.target.tables import customers
from tests.fakes.cutting_proxy import cutting_proxy

from .conftest import Upload

UPLOAD = Upload(
    valid={row: {"email": f"{row}@example.com", "keys": [("email", f"{row}@example.com")]} for row in range(2, 12)},
    failed={12: [("mobile", "invalid_phone", None)]},
)
COUNTS = LoadCounts(read=11, loaded=10, failed=1, unread=0)


def test_a_commit_whose_answer_was_lost_is_found_in_the_ledger(
    postgresql_target: Engine, stage: Callable[[Upload], Staging], accept: Callable[[Engine], str]
) -> None:
    import_id = accept(postgresql_target)

    with _through_proxy(postgresql_target, "after") as engine:
        assert load_customers(stage(UPLOAD), engine, import_id, {}, None) == COUNTS

    assert _count(postgresql_target) == 10


def test_a_commit_that_never_arrived_loads_nothing_and_may_be_repeated(
    postgresql_target: Engine, stage: Callable[[Upload], Staging], accept: Callable[[Engine], str]
) -> None:
    import_id = accept(postgresql_target)
    staging = stage(UPLOAD)

    with _through_proxy(postgresql_target, "before") as engine:
        with pytest.raises(DatabaseUnavailable):
            load_customers(staging, engine, import_id, {}, None)
        assert _count(postgresql_target) == 0
        assert load_customers(staging, engine, import_id, {}, None) == COUNTS

    assert _count(postgresql_target) == 10


@contextmanager
def _through_proxy(target: Engine, cut: Literal["before", "after"]) -> Iterator[Engine]:
    url = make_url(target.url)
    with cutting_proxy(f"{url.query['host']}/.s.PGSQL.5432", cut) as proxy:
        through = url.set(host="127.0.0.1", port=proxy.port, query={})
        engine = connect(through.render_as_string(hide_password=False))
        yield engine
        engine.dispose()
        assert proxy.has_cut


def _count(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(customers)) or 0
