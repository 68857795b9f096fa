"""A customer that was merged into another at its provider is inactive here after one pull of what has changed."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.changes.undoing import undo
from etl_customers.cli.pull_screen import print_pull
from etl_customers.database.connect import reading, writing
from etl_customers.database.ledger import require_import
from etl_customers.database.pulls import find_cursor
from etl_customers.database.tables import customers, provider_customers, sync_cursors
from etl_customers.imports import accepting_pulls, whole
from etl_customers.report.pull_result import PullResult, pull_result_of
from tests.fakes.loopback import as_text
from tests.fakes.provider_server import Fault
from tests.faults.pulling import World, connected
from tests.refused import refused_as


@pytest.fixture
def quickbooks(tmp_path: Path, sqlite_target: Engine) -> Iterator[World]:
    """A company of ten customers, pulled."""
    with connected("quickbooks", tmp_path, sqlite_target, count=0) as world:
        yield _pulled(world)


@pytest.fixture
def xero(tmp_path: Path, sqlite_target: Engine) -> Iterator[World]:
    """An organisation of ten contacts, pulled."""
    with connected("xero", tmp_path, sqlite_target, count=0) as world:
        yield _pulled(world)


def _pulled(world: World) -> World:
    # The customers are older than the first pull, so that the next one need not ask for them.
    world.fake.clock.advance(hours=-2)
    world.fake.add(10, is_plain=True)
    world.fake.clock.advance(hours=1)
    pull(world)
    world.fake.clock.advance(hours=1)
    return world


def pull(world: World, *, is_full: bool = False) -> PullResult:
    """Pull once, whatever comes of it."""
    record = accepting_pulls.accept(
        world.installation, world.provider, None, is_full=is_full, accepted_by="test"
    ).record
    whole.run_pull(world.installation, record.import_id, clock=world.clock)
    with reading(world.installation.target) as connection:
        return pull_result_of(connection, world.installation.home, require_import(connection, record.import_id))


def inactive(world: World) -> set[str]:
    """Return the provider's ids of the customers that are inactive here."""
    query = sa.select(provider_customers.c.provider_id).join(customers).where(~customers.c.is_active)
    with reading(world.installation.target) as connection:
        return set(connection.scalars(query))


def cursor(world: World) -> datetime | None:
    with reading(world.installation.target) as connection:
        return find_cursor(connection, world.provider, world.fake.tenant)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_one_that_was_merged_away_at_quickbooks_is_inactive_and_named(
    tmp_path: Path, request: pytest.FixtureRequest, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with connected("quickbooks", tmp_path, request.getfixturevalue(f"{database}_target"), count=0) as world:
        _pulled(world).fake.merge("3", "4")
        result = pull(world)
        assert inactive(world) == {"3"}
        world.assert_is_the_providers()
        assert (result.is_full, result.is_complete, result.exit_code) == (False, True, 0)
        assert (result.vanished, result.vanished_ids, result.rows.updated) == (1, ["3"], 0)
        assert result.rows.fetched == result.rows.unchanged == 1
        record = result.as_record()
        assert (record["vanished"], record["vanished_ids"], record["why_deletions_unknown"]) == (1, ["3"], None)
        print_pull(result)
        assert "merged or deleted at the provider; now inactive here; ids at the provider: 3" in " ".join(
            capsys.readouterr().out.split()
        )
        with Path(result.not_synced_file or "").open(encoding="utf-8-sig", newline="") as file:
            assert [line[:2] for line in csv.reader(file)][1:] == [["3", "vanished"]]
        again = pull(world)
        assert (again.vanished, again.vanished_ids, again.not_synced_file) == (0, [], None)
        assert pull(world, is_full=True).vanished == 0


def test_one_that_was_merged_after_its_page_was_read_is_inactive_after_the_next_pull(quickbooks: World) -> None:
    fake = quickbooks.fake
    fake.change("3")
    fake.fail(Fault("count", before=lambda: fake.merge("3", "4")))
    pull(quickbooks)
    result = pull(quickbooks)
    assert (inactive(quickbooks), result.is_full) == ({"3"}, False)


def test_one_that_is_said_to_be_deleted_and_came_all_the_same_stays_active(quickbooks: World) -> None:
    def lie(answer: Any) -> None:
        told = answer["CDCResponse"][0]["QueryResponse"][0]["Customer"]
        told.append({"status": "Deleted", "Id": "3"})

    quickbooks.fake.change("3")
    quickbooks.fake.fail(Fault("changes", edit=lie))
    assert (pull(quickbooks).vanished, inactive(quickbooks)) == (0, set())


def test_ids_that_nobody_is_linked_to_change_nothing(quickbooks: World) -> None:
    new = quickbooks.fake.add(2, is_plain=True)
    quickbooks.fake.merge(new[0], new[1])
    result = pull(quickbooks)
    assert (result.vanished, result.rows.created, inactive(quickbooks)) == (0, 1, set())


def test_more_deleted_ones_than_the_setting_allows_refuse_the_pull_until_a_person_accepts_them(
    quickbooks: World,
) -> None:
    new = quickbooks.fake.add(21, is_plain=True)
    pull(quickbooks)
    before = cursor(quickbooks)
    for key in new:
        quickbooks.fake.merge(key, "4")
    with refused_as("too_many_vanished", match="21 of 31 customers no longer exist"):
        pull(quickbooks)
    assert (inactive(quickbooks), cursor(quickbooks)) == (set(), before)
    quickbooks.pull(is_full=True, accepts_vanished=True)
    assert inactive(quickbooks) == set(new)


def test_a_small_company_that_merges_a_few_is_not_asked_about_them(quickbooks: World) -> None:
    for key in ("3", "5", "6"):
        quickbooks.fake.merge(key, "4")
    assert (pull(quickbooks).vanished, inactive(quickbooks)) == (3, {"3", "5", "6"})


def test_after_more_changes_than_are_told_of_the_next_pull_is_a_full_one_and_finds_who_is_gone(
    quickbooks: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def overflow(answer: Any) -> None:
        told = answer["CDCResponse"][0]["QueryResponse"][0]["Customer"]
        told[:] = [one for one in told if one.get("status") != "Deleted"] * 1_000

    quickbooks.fake.merge("3", "4")
    quickbooks.fake.fail(Fault("changes", edit=overflow))
    result = pull(quickbooks)
    assert (result.vanished, inactive(quickbooks), cursor(quickbooks)) == (0, set(), None)
    assert "the next pull is a full pull" in (result.as_record()["why_deletions_unknown"] or "")
    print_pull(result)
    assert "some that were merged or deleted at the provider may not be known: more" in capsys.readouterr().out
    result = pull(quickbooks)
    assert (result.is_full, result.why_deletions_unknown, inactive(quickbooks)) == (True, None, {"3"})


def test_without_an_answer_the_pull_goes_on_and_the_next_one_asks_for_the_same(quickbooks: World) -> None:
    before = cursor(quickbooks)
    quickbooks.fake.merge("3", "4")
    quickbooks.fake.change("7", GivenName="Changed")
    quickbooks.fake.fail(Fault("changes", times=inf, answer=as_text("oops", 500)))
    result = pull(quickbooks)
    assert (result.rows.updated, result.vanished, inactive(quickbooks)) == (1, 0, set())
    assert "it gave no answer to use (status 500" in (result.why_deletions_unknown or "")
    assert cursor(quickbooks) == before
    quickbooks.fake.mend()
    result = pull(quickbooks)
    assert (result.is_full, result.rows.updated, result.vanished_ids) == (False, 0, ["3"])
    assert cursor(quickbooks) != before


def test_an_undone_pull_gives_back_who_had_vanished_with_it(quickbooks: World) -> None:
    quickbooks.fake.merge("3", "4")
    result = pull(quickbooks)
    assert inactive(quickbooks) == {"3"}
    undo(quickbooks.installation, result.import_id, "eva")
    assert inactive(quickbooks) == set()
    result = pull(quickbooks)
    assert (result.is_full, result.vanished_ids, inactive(quickbooks)) == (True, ["3"], {"3"})


def test_after_a_month_without_a_pull_quickbooks_is_asked_for_everybody(quickbooks: World) -> None:
    quickbooks.fake.merge("3", "4")
    with writing(quickbooks.installation.target) as connection:
        long_ago = (datetime.now(UTC) - timedelta(days=29, hours=1)).isoformat()
        connection.execute(sync_cursors.update().values(cursor=long_ago))
    result = pull(quickbooks)
    assert (result.is_full, result.vanished_ids, inactive(quickbooks)) == (True, ["3"], {"3"})
    assert quickbooks.fake.count("changes") == 0


def test_a_contact_that_was_merged_at_xero_is_inactive_in_the_pull_that_brings_it(xero: World) -> None:
    first, second, *_ = xero.fake.records
    xero.fake.merge(first, second)
    result = pull(xero)
    assert (result.is_full, result.exit_code, inactive(xero)) == (False, 0, {first})
    assert [(one.provider_id, one.code) for one in result.not_synced] == [(first, "merged")]


def test_chains_of_merges_at_xero_end_in_one_pull_or_in_several(xero: World) -> None:
    first, second, third, fourth, *_ = xero.fake.records
    xero.fake.merge(first, second)
    xero.fake.merge(second, third)
    assert (pull(xero).is_full, inactive(xero), _became(xero)) == (
        False,
        {first, second},
        {first: third, second: third},
    )
    xero.fake.clock.advance(hours=1)
    xero.fake.merge(third, fourth)
    assert (pull(xero).is_full, inactive(xero)) == (False, {first, second, third})
    assert _became(xero) == {first: fourth, second: fourth, third: fourth}


def test_a_contact_that_was_merged_at_xero_into_one_that_comes_later_is_inactive_at_once(xero: World) -> None:
    first, *_ = xero.fake.records
    later = "70784a63-0000-4000-8000-00000000000f"
    xero.fake.merge(first, later)
    assert (pull(xero).is_full, inactive(xero)) == (False, {first})
    xero.fake.clock.advance(hours=1)
    contact = xero.fake.records[first] | {"ContactID": later, "ContactStatus": "ACTIVE"}
    xero.fake.put({name: contact[name] for name in contact if name not in ("MergedToContactID", "UpdatedDateUTC")})
    result = pull(xero)
    assert (result.rows.created, inactive(xero), _became(xero)) == (1, {first}, {first: later})


def _became(world: World) -> dict[str, str]:
    link = provider_customers.c
    with reading(world.installation.target) as connection:
        query = sa.select(link.provider_id, link.merged_into).where(link.merged_into.is_not(None))
        return dict(connection.execute(query).all())
