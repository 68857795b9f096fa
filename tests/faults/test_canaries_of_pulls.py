"""Whatever fails in a pull, and however its error or the provider's answer quotes customers: none of it is told."""

import errno
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
import psycopg.errors
import pytest
import requests.exceptions
from sqlalchemy.engine import Engine

from assets.display.endings import CODE
from assets.display.failures import failures_as_messages
from etl_customers.imports import accepting_pulls, whole
from tests.canaries import OWN_TABLES, QUOTED, described, found_in, found_in_tables, words_in
from tests.fakes.loopback import Answer, as_json, as_text
from tests.fakes.oauth import CLIENT_SECRET
from tests.fakes.provider_server import Fault
from tests.faults.pulling import World, connected
from tests.faults.quoting import Quoting, befalling_in_turn
from tests.imported import record_of

QUICKBOOKS_RECORDS = (
    {
        "DisplayName": "Canaryfïrst Canarylast",
        "GivenName": "Canaryfïrst",
        "FamilyName": "Canarylast",
        "PrimaryEmailAddr": {"Address": "Canary.Mail@example.com"},
        "Mobile": {"FreeFormNumber": "0491 573 087"},
        "BillAddr": {"Line1": "Canarystreet 1", "City": "Sydney", "CountrySubDivisionCode": "Canarystate"},
        "Notes": "Canary-pass-2",
    },
    {"DisplayName": ["Canarylast"]},
    {"DisplayName": "Canarylast Project", "IsProject": True},
)
QUOTINGS = {
    "a connection that breaks off": Quoting(
        "requests.adapters.HTTPAdapter.send",
        lambda: requests.exceptions.ConnectionError(f"HTTPSConnectionPool: /query?query={QUOTED}"),
        "provider_unavailable",
    ),
    "a record that is no JSON": Quoting(
        "etl_customers.pull.mapped_rows.read_record", lambda: json.JSONDecodeError("Expecting value", QUOTED, 0)
    ),
    "a record that cannot be mapped": Quoting(
        "etl_customers.pull.mapped_rows.map_quickbooks", lambda: KeyError(QUOTED)
    ),
    "a value that DuckDB cannot merge": Quoting(
        "etl_customers.imports.sources.reconcile_pulled",
        lambda: duckdb.ConversionException(f"Could not convert '{QUOTED}'"),
    ),
    "a row that PostgreSQL refuses with DETAIL": Quoting(
        "etl_customers.load.pulled_customers.append_frame",
        lambda: psycopg.errors.NotNullViolation(f"DETAIL:  Failing row contains ({QUOTED})."),
    ),
    "a full disk under the file of those not synced": Quoting(
        "etl_customers.report.worklist.write_whole",
        lambda: OSError(errno.ENOSPC, "No space left on device", QUOTED),
        "disk_unavailable",
        is_loaded=True,
    ),
}
ANSWERS = {
    "an error in JSON": (
        as_json({"Fault": {"Error": [{"Message": QUOTED, "Detail": QUOTED, "code": "2020"}]}}, 400),
        2,
    ),
    "an error in text": (as_text(QUOTED, 500), 3),
    "an error with status 200": (as_json({"Fault": {"Error": [{"Message": QUOTED, "code": QUOTED}]}}), 2),
    "a redirect": (as_text("", 302, Location="https://elsewhere.example/?email=canary.mail@example.com"), 3),
    "another form": (as_json({"QueryResponse": {"Customer": QUOTED}}), 3),
}


@contextmanager
def world_of(folder: Path, target: Engine) -> Iterator[World]:
    """Run a QuickBooks with one customer, one project and one record in no form, connected to a target."""
    with connected("quickbooks", folder, target, count=0) as world:
        for record in QUICKBOOKS_RECORDS:
            world.fake.put(dict(record))
        yield world


def assert_is_kept_apart(world: World) -> None:
    """See that customers are in staging only, their notes nowhere, and tokens and secrets nowhere in clear."""
    home, secrets = world.installation.home, (CLIENT_SECRET, *world.fake.oauth.issued)
    assert all(name.startswith("staging/") for name in found_in(home.path))
    assert found_in(home.path, ("Canary-pass-2", *secrets)) == {}
    assert set(found_in_tables(world.installation.target)) <= OWN_TABLES
    assert found_in_tables(world.installation.target, ("Canary-pass-2", *secrets)) == {}


@befalling_in_turn(QUOTINGS)
def test_an_error_that_quotes_a_providers_customers_passes_no_edge_and_the_pull_goes_on_afterwards(
    quotings: Sequence[Quoting], sqlite_target: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with world_of(tmp_path, sqlite_target) as world:
        shop = world.installation
        import_id = accepting_pulls.accept(shop, "quickbooks", None, accepted_by="test").record.import_id
        for quoting in quotings:
            with quoting.failing(), pytest.raises(dg.Failure) as failed, failures_as_messages():
                whole.run_pull(shop, import_id, clock=world.clock)
            assert failed.value.metadata[CODE].value == quoting.is_told_as
            assert words_in(f"{described(failed.value)} {failed.value.metadata} {caplog.text}") == []
            record = record_of(shop, import_id)
            assert (record.status, words_in(repr(record))) == (quoting.status, [])
            assert_is_kept_apart(world)
        whole.run_pull(shop, import_id, clock=world.clock)
        assert (record_of(shop, import_id).rows_loaded, record_of(shop, import_id).rows_failed) == (1, 2)
        assert_is_kept_apart(world)
        assert set(found_in(shop.home.path)) == {f"staging/{import_id}.duckdb"}


@pytest.mark.parametrize(("answer", "exit_code"), ANSWERS.values(), ids=ANSWERS)
def test_what_a_provider_answers_is_not_repeated(
    answer: Answer, exit_code: int, sqlite_target: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with world_of(tmp_path, sqlite_target) as world:
        shop = world.installation
        import_id = accepting_pulls.accept(shop, "quickbooks", None, accepted_by="test").record.import_id
        world.fake.fail(Fault("any", times=100, answer=answer))
        with pytest.raises(dg.Failure) as failed, failures_as_messages():
            whole.run_pull(shop, import_id, clock=world.clock)
        world.fake.mend()
        assert failed.value.metadata["exit_code"].value == exit_code
        assert words_in(f"{described(failed.value)} {failed.value.metadata} {caplog.text}") == []
        assert words_in(repr(record_of(shop, import_id))) == []
        assert_is_kept_apart(world)
