"""A pull's whole way through the engine, over real HTTP to a fake, without Dagster."""

import csv
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from etl_customers.base.errors import NotNow, ProviderUnavailable, PullRefused, UsageError
from etl_customers.changes.asked_erasures import AskedErasures, finish_erasures
from etl_customers.changes.editing import edit
from etl_customers.changes.erasing.erase import erase
from etl_customers.changes.retention import delete_expired
from etl_customers.changes.undoing import undo
from etl_customers.cli.pull_screen import print_pull
from etl_customers.columns.field_changes import add_custom_field, remove_custom_field
from etl_customers.database.connect import reading, writing
from etl_customers.database.connections import DISCONNECTED, choose_connection, set_state, store_company
from etl_customers.database.ledger import ImportRecord, count_imports
from etl_customers.database.tables import customers, provider_connections, provider_customers, removed_customers
from etl_customers.imports import accepting_pulls, fetching, whole
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.imports.sources import source_of
from etl_customers.imports.stage_gate import PullAlreadyRefused, StageMissing
from etl_customers.imports.stages import run_deduplicated_customers, run_failed_rows, run_validated_customers
from etl_customers.mappings.document import MappingInvalid
from etl_customers.mappings.kept import add_mapping, remove_mapping, shipped_mapping
from etl_customers.pull.pacing import Clock
from etl_customers.report.accounting import list_failed_rows
from etl_customers.report.alerts import Alert, alert_of_failed_rows
from etl_customers.report.history import read_history
from etl_customers.report.pull_result import PulledCounts, PullResult, pull_result_of
from etl_customers.report.worklist import WorkItem, record_link, write_worklist
from etl_customers.settings.changes import set_setting
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Settings
from etl_customers.staging import open_staging
from schemas.columns import FieldType
from tests.connected import connect_fake
from tests.environment import COUNTRY, keep_only_ours
from tests.fakes.loopback import Answer, as_json, as_text
from tests.fakes.provider_server import Fault, running
from tests.fakes.quickbooks import FakeQuickBooks, fault, gateway
from tests.fakes.xero import FakeXero
from tests.imported import accept, record_of
from tests.refused import refused_as

PROJECT = {"DisplayName": "Canary Project", "IsProject": True, "Job": True}
NOTED = shipped_mapping("quickbooks").text.replace('Notes = ""', 'Notes = "Remarks"')
MISFIT = {"DisplayName": ["Canaryname"]}


class NoWait(Clock):
    """A clock on which nobody waits, and time passes all the same."""

    waited = 0.0

    def monotonic(self) -> float:
        return self.waited

    def wait(self, seconds: float, stopped: threading.Event) -> None:  # noqa: ARG002 - nothing stops what is over
        self.waited += seconds


@pytest.fixture(autouse=True)
def _only_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_only_ours(monkeypatch)


@pytest.fixture
def quickbooks(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeQuickBooks]:
    """A running fake QuickBooks with six ordinary customers."""
    with running(FakeQuickBooks()) as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        fake.add(6, is_plain=True)
        yield fake


@pytest.fixture
def installation(tmp_path: Path, quickbooks: FakeQuickBooks) -> Iterator[Installation]:
    """A new home on its embedded database, connected to the fake QuickBooks."""
    opened = open_installation(Home(tmp_path / "home"))
    connect_fake(quickbooks, opened.home, opened.target)
    yield opened
    opened.target.dispose()


def accept_pull(installation: Installation, provider: str = "quickbooks", is_full: bool = False) -> ImportRecord:
    return accepting_pulls.accept(installation, provider, None, is_full=is_full, accepted_by="test").record


def test_a_pull_that_lacks_the_clients_id_is_not_even_accepted(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ETL_CUSTOMERS_QUICKBOOKS_CLIENT_ID")
    with pytest.raises(UsageError, match="CLIENT_ID"):
        accept_pull(installation)
    with reading(installation.target) as connection:
        assert count_imports(connection) == {}


def pull(installation: Installation, provider: str = "quickbooks", is_full: bool = False) -> PullResult:
    record = accept_pull(installation, provider, is_full)
    whole.run_pull(installation, record.import_id, clock=NoWait(), page_size=2)
    return result(installation, record.import_id)


def result(installation: Installation, import_id: str) -> PullResult:
    with reading(installation.target) as connection:
        return pull_result_of(connection, installation.home, record_of(installation, import_id))


def alert(installation: Installation, import_id: str, left_out: int) -> Alert | None:
    failed = list_failed_rows(installation.target, import_id, limit=0)
    assert failed.left_out == 1
    record = record_of(installation, import_id)
    return alert_of_failed_rows(record, failed.by_code, run_id="r", job="j", file=None, left_out=left_out)


def test_a_pull_tells_of_every_customer_what_became_of_it(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    project, misfit = quickbooks.put(dict(PROJECT)), quickbooks.put(dict(MISFIT))
    first = pull(installation)
    assert first.rows == PulledCounts(fetched=8, created=6, not_synced=2)
    assert {(reason.provider_id, reason.code) for reason in first.not_synced} == {
        (project, "project"),
        (misfit, "invalid_record"),
    }
    assert (first.left_out, first.to_look_at, first.exit_code) == (1, 1, 1)
    assert (first.is_full, first.is_complete, first.refusal) == (True, True, None)
    told = alert(installation, first.import_id, left_out=1)
    assert told is not None
    assert "1 of 8 were not synced (invalid_record 1), 1 were left out on purpose; 6 created, 0 updated" in told.text
    assert alert(installation, first.import_id, left_out=2) is None
    quickbooks.clock.advance(hours=1)
    quickbooks.change("3", FamilyName="Married")
    second = pull(installation)
    assert (second.is_full, second.rows.updated, second.rows.created) == (False, 1, 0)
    assert pull(installation, is_full=True).rows == PulledCounts(fetched=8, unchanged=6, not_synced=2)
    totals = read_history(installation.target, datetime.now(UTC)).totals
    assert (totals.rows_loaded, totals.rows_updated) == (6, 1)
    assert totals.rows_unchanged == 6 + second.rows.unchanged


def test_the_worklist_has_ids_reasons_and_links_of_what_is_to_be_done_and_nothing_of_a_customer(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    quickbooks.put(dict(PROJECT))  # left out on purpose: nobody has to do anything
    misfit = quickbooks.put(dict(MISFIT))
    path = Path(pull(installation).not_synced_file or "")
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == ["provider_id", "code", "message", "column", "synced", "link"]
    assert {line[0] for line in lines} == {misfit}
    assert {line[5] for line in lines} == {f"https://app.qbo.intuit.com/app/customerdetail?nameId={misfit}"}
    assert "Canary" not in path.read_text(encoding="utf-8-sig")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_worklist_goes_when_there_is_nothing_to_do_any_more(tmp_path: Path) -> None:
    path = tmp_path / "failed.csv"
    assert write_worklist(path, [[WorkItem("7", "invalid_record", "what", "", "no", "")]]) == 1
    assert path.exists()
    for _ in range(2):
        assert write_worklist(path, []) == 0
        assert not path.exists()


@pytest.mark.parametrize(
    ("provider", "provider_id", "api_url", "link"),
    [
        ("quickbooks", "58", None, "https://app.qbo.intuit.com/app/customerdetail?nameId=58"),
        (
            "quickbooks",
            "58",
            "https://sandbox-quickbooks.api.intuit.com",
            "https://app.sandbox.qbo.intuit.com/app/customerdetail?nameId=58",
        ),
        ("xero", "8275f116-6419", None, "https://go.xero.com/Contacts/View/8275f116-6419"),
        ("xero", "", None, ""),
    ],
)
def test_a_link_leads_to_the_customer_at_the_provider(
    provider: str, provider_id: str, api_url: str | None, link: str
) -> None:
    settings = Settings.model_validate({provider: {"api_url": api_url}} if api_url else {})
    assert record_link(provider, provider_id, settings) == link


def test_warnings_of_a_pull_name_the_providers_ids_on_screen_in_json_and_in_the_file(
    installation: Installation, quickbooks: FakeQuickBooks, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {"Address": "canary doe@example.com"}
    new = quickbooks.put({"DisplayName": "N", "GivenName": "Nia", "PrimaryEmailAddr": broken})

    def told(pulled: PullResult) -> tuple[list[dict[str, Any]], list[list[str]], str]:
        warnings = [one for one in pulled.as_record()["warnings"] if one["code"] == "left_out"]
        with Path(pulled.not_synced_file or "").open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))[1:]
        print_pull(pulled)
        return warnings, lines, capsys.readouterr().out

    message = "a text for email could not be read and was left out; correct it at the provider"
    entry = {"column": "email", "code": "left_out", "message": message, "customers": 1}
    warnings, lines, shown = told(pull(installation))
    assert warnings == [{**entry, "provider_ids": [new]}]
    link = f"https://app.qbo.intuit.com/app/customerdetail?nameId={new}"
    assert lines == [[new, "left_out", message, "email", "yes", link]]
    assert re.search(rf"left out; correct it at the provider +{new}\b", " ".join(shown.split()))
    assert "canary" not in shown
    quickbooks.clock.advance(minutes=1)
    quickbooks.change("2", PrimaryEmailAddr=broken, GivenName="Other")
    warnings, lines, _ = told(pull(installation))
    assert warnings == [{**entry, "provider_ids": ["2"]}]
    assert [line[0] for line in lines] == ["2"]
    capsys.readouterr()
    assert pull(installation).not_synced_file is None


def test_an_edit_that_a_pull_kept_is_told_on_screen_in_json_and_in_the_file_every_time(
    installation: Installation, quickbooks: FakeQuickBooks, capsys: pytest.CaptureFixture[str]
) -> None:
    pull(installation)
    with reading(installation.target) as connection:
        query = sa.select(provider_customers.c.customer_id).where(provider_customers.c.provider_id == "2")
        customer_id = connection.scalar(query) or 0
    edit(installation, customer_id, {"email": "canary.mine@example.com"}, "eva")
    quickbooks.clock.advance(minutes=10)
    broken = {"FreeFormNumber": "ask for Jo"}
    quickbooks.change("2", PrimaryEmailAddr={"Address": "canary.theirs@example.com"}, PrimaryPhone=broken)
    assert [one["code"] for one in pull(installation).as_record()["warnings"]] == ["left_out"]
    quickbooks.clock.advance(minutes=10)
    for _ in range(2):
        told = pull(installation)
        assert told.exit_code == 0
        assert told.warnings == []
        columns = [{"provider_id": "2", "column": "email"}]
        assert told.as_record()["kept_edited"] == {"customers": 1, "columns": columns}
        lines = Path(told.not_synced_file or "").read_text(encoding="utf-8-sig")
        assert '"2","kept_edited","email was edited here and has since changed at the provider' in lines
        print_pull(told)
        shown = capsys.readouterr().out
        assert re.search(r"kept edited +1 customer, edited here and since changed at the provider", shown)
        assert "canary" not in lines + shown
        quickbooks.clock.advance(minutes=10)  # the next pull brings nobody


def test_a_full_pull_counts_the_kinds_of_customers_and_says_which_are_taken(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    quickbooks.put(dict(PROJECT))
    quickbooks.deactivate("2")
    kinds = [("customers", 6, True), ("projects", 1, False), ("inactive", 1, True)]
    counted = [{"kind": kind, "records": number, "is_taken": is_taken} for kind, number, is_taken in kinds]
    assert pull(installation).as_record()["kinds"] == counted
    assert pull(installation).as_record()["kinds"] == []
    assert pull(installation, is_full=True).as_record()["kinds"] == counted


def test_a_pull_that_gets_fewer_customers_than_are_counted_says_so_before_all_else(
    installation: Installation, quickbooks: FakeQuickBooks, capsys: pytest.CaptureFixture[str]
) -> None:
    quickbooks.fail(Fault("count", times=2, edit=lambda value: value["QueryResponse"].update(totalCount=59)))
    short = pull(installation)
    why = "it counts 59, but 6 came when all pages were read, twice"
    assert (short.is_complete, short.why_incomplete, short.exit_code, short.rows.created) == (False, why, 1, 6)
    print_pull(short)
    out = capsys.readouterr().out
    assert out.startswith(f"QuickBooks Online, all customers: INCOMPLETE, {why}: 6 of 6 customers synced\n")
    assert f"To fetch the rest, run: etl-customers pull quickbooks --tenant {quickbooks.tenant} --full" in out
    told = alert_of_failed_rows(record_of(installation, short.import_id), {}, run_id="r", job="j", file=None)
    assert told is not None
    assert (told.event, why in told.text) == ("incomplete_pull", True)
    whole = pull(installation)
    assert (whole.is_full, whole.is_complete, whole.why_incomplete, whole.exit_code) == (True, True, None, 0)


def test_customers_who_do_not_say_their_country_are_in_that_of_the_connected_company(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    quickbooks.country = "AU"
    key = quickbooks.put(
        {"DisplayName": "A", "GivenName": "Ann", "Mobile": {"FreeFormNumber": "0412 345 678"}}
        | {"BillAddr": {"Id": "1", "Line1": "1 High St", "City": "Sydney", "CountrySubDivisionCode": "NSW"}}
    )
    pull(installation)
    pull(installation)
    with reading(installation.target) as connection:
        query = sa.select(customers.c.country, customers.c.state, customers.c.mobile).join(provider_customers)
        found = connection.execute(query.where(provider_customers.c.provider_id == key)).one()
        assert choose_connection(connection, "quickbooks", None).country == "AU"
    assert tuple(found) == ("AU", "New South Wales", "+61412345678")
    assert quickbooks.count("company") == 1, "that it says no region is kept, too"
    set_setting(installation.home, "quickbooks.country", "NZ", lambda _: None)
    other = open_installation(installation.home)
    record = accept_pull(other, is_full=True)
    assert source_of(other, record).settings().company.country == "NZ"
    assert source_of(other, record).settings().company.city is None
    other.target.dispose()


def test_a_customer_of_a_company_abroad_gets_nothing_of_the_place_of_the_homes_company(
    installation: Installation, quickbooks: FakeQuickBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(COUNTRY)
    for name, value in (("country", "AU"), ("city", "Sydney")):
        set_setting(installation.home, f"company.{name}", value, lambda _: None)
    quickbooks.country, quickbooks.region = "CA", "BC"
    key = quickbooks.put({"DisplayName": "A", "GivenName": "Ann", "BillAddr": {"Id": "1", "Line1": "1 High St"}})
    with writing(installation.target) as connection:  # as a connection of an earlier version has it
        store_company(connection, "quickbooks", quickbooks.tenant, name=None, country="CA", region=None)
        connection.execute(provider_connections.update().values(region=None))
    for city in (None, "Vancouver"):
        opened = open_installation(installation.home)
        pull(opened, is_full=True)
        with reading(opened.target) as connection:
            query = sa.select(customers.c.country, customers.c.state, customers.c.city).join(provider_customers)
            found = connection.execute(query.where(provider_customers.c.provider_id == key)).one()
            assert choose_connection(connection, "quickbooks", None).region == "British Columbia"
        assert tuple(found) == ("CA", None, city)
        set_setting(opened.home, "company.country", "CA", lambda _: None)
        set_setting(opened.home, "company.city", "Vancouver", lambda _: None)
        opened.target.dispose()
    assert quickbooks.count("company") == 1


@pytest.mark.parametrize("answer", [gateway(403, 3100, "", ""), as_text("no", 401), as_text("oops", 500), as_json([])])
def test_a_company_that_does_not_say_its_country_is_pulled_all_the_same(
    installation: Installation, quickbooks: FakeQuickBooks, answer: Answer
) -> None:
    quickbooks.fail(Fault("company", answer=answer))
    assert pull(installation).exit_code == 0
    assert accepting_pulls.list_connected(installation, "quickbooks") == [quickbooks.tenant]


def test_a_pull_that_broke_off_goes_on_after_the_last_page_kept(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    quickbooks.fail(Fault("page", nth=3, times=inf, answer=as_text("busy", 503)))
    record = accept_pull(installation)
    with pytest.raises(NotNow):
        whole.run_pull(installation, record.import_id, clock=NoWait(), page_size=2)
    assert record_of(installation, record.import_id).status == "accepted"
    quickbooks.mend()
    before = len(quickbooks.requests)
    again = accepting_pulls.accept(
        installation, "quickbooks", quickbooks.tenant, is_full=True, accepted_by="somebody else"
    )
    assert (again.record.import_id, again.is_new) == (record.import_id, False)
    counts = whole.run_pull(installation, record.import_id, clock=NoWait(), page_size=2)
    assert (counts.read, counts.loaded) == (6, 6)
    asked = [request.parameters.get("query", "") for request in quickbooks.requests[before:]]
    assert not [query for query in asked if "startposition 1 " in query.lower()]


def test_a_finished_pull_run_again_asks_the_provider_nothing(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    quickbooks.put(dict(PROJECT))
    import_id = pull(installation).import_id
    record, asked = record_of(installation, import_id), len(quickbooks.requests)
    done = fetching.run_provider_customers(installation, import_id)
    assert (done.fetched, done.left_out, done.is_complete, done.since) == (7, 1, True, None)
    validated, merged = (
        run_validated_customers(installation, import_id),
        run_deduplicated_customers(installation, import_id),
    )
    assert (validated.validated, validated.failed, merged.deduplicated, merged.failed) == (6, 1, 6, 0)
    assert run_failed_rows(installation, import_id) == 0
    assert (record_of(installation, import_id), len(quickbooks.requests)) == (record, asked)


def test_a_refused_pull_is_refused_in_the_ledger_and_the_next_one_is_another(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    pull(installation)
    for key in ("1", "2", "3", "4"):
        quickbooks.remove(key)
    record = accept_pull(installation, is_full=True)
    with refused_as("too_many_vanished"):
        whole.run_pull(installation, record.import_id, clock=NoWait())
    refused = result(installation, record.import_id)
    assert refused.refusal is not None
    assert (refused.refusal.code, refused.exit_code) == ("too_many_vanished", 2)
    with pytest.raises(PullAlreadyRefused, match="accept-vanished"):
        whole.run_pull(installation, record.import_id)
    assert not installation.staging_path(record.import_id).exists()
    accepted = accepting_pulls.accept(
        installation, "quickbooks", None, is_full=True, accepts_vanished=True, accepted_by="test"
    )
    assert accepted.is_new
    assert whole.run_pull(installation, accepted.record.import_id, clock=NoWait()).vanished == 4


def test_a_connection_that_the_provider_does_not_accept_any_more_ends_the_pull(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    record = accept_pull(installation)
    quickbooks.oauth.expire_access_tokens()
    quickbooks.oauth.forget_grants()
    with pytest.raises(PullRefused):
        whole.run_pull(installation, record.import_id, clock=NoWait())
    assert record_of(installation, record.import_id).refusal_code == "reconnect"
    assert accepting_pulls.list_connected(installation, "quickbooks") == []


@pytest.mark.parametrize(
    "mishap",
    [
        Fault(times=7, answer=fault(120, "Authorization failed", status=500)),
        Fault(times=2, answer=gateway(401, 3200, "AuthenticationFailed", "")),
        Fault(times=2, answer=gateway(401, 120, "AuthorizationFailed", "")),
    ],
    ids=["120 on 500", "401 twice", "120 on 401 twice"],
)
def test_an_authorization_that_fails_for_a_while_ends_with_not_now_and_the_connection_stays(
    installation: Installation, quickbooks: FakeQuickBooks, mishap: Fault
) -> None:
    mishap.seen = 0
    record = accept_pull(installation)
    quickbooks.fail(mishap)
    with pytest.raises(ProviderUnavailable) as not_now:
        whole.run_pull(installation, record.import_id, clock=NoWait())
    assert not_now.value.exit_code == 3
    assert accepting_pulls.list_connected(installation, "quickbooks") == [quickbooks.tenant]
    whole.run_pull(installation, record.import_id, clock=NoWait())
    assert result(installation, record.import_id).rows.created == 6


def test_a_damaged_staging_file_is_made_anew(installation: Installation) -> None:
    record = accept_pull(installation)
    installation.staging_path(record.import_id).write_bytes(b"no database" * 1000)
    assert whole.run_pull(installation, record.import_id, clock=NoWait()).loaded == 6


def test_a_stage_of_a_pull_whose_input_is_not_here_says_where_to_begin(installation: Installation) -> None:
    with pytest.raises(StageMissing, match="quickbooks_customers on, or run: etl-customers pull quickbooks"):
        run_validated_customers(installation, accept_pull(installation).import_id)


def test_a_pull_that_nobody_carries_on_is_given_up_and_the_next_one_is_another(installation: Installation) -> None:
    record = accept_pull(installation)
    assert delete_expired(installation, datetime.now(UTC) + timedelta(days=8)).abandoned == 1
    assert record_of(installation, record.import_id).refusal_code == "abandoned"
    assert accepting_pulls.accept(installation, "quickbooks", None, accepted_by="test").is_new


def test_a_pull_keeps_asking_since_the_time_of_its_first_try(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    pull(installation)
    record = accept_pull(installation)
    quickbooks.fail(Fault("page", times=inf, answer=as_text("busy", 503)))
    with pytest.raises(NotNow):
        fetching.run_provider_customers(installation, record.import_id, clock=NoWait())
    with writing(installation.target) as connection:
        connection.exec_driver_sql("delete from sync_cursors")
    quickbooks.mend()
    assert fetching.run_provider_customers(installation, record.import_id, clock=NoWait()).since is not None


def test_a_pull_under_way_while_another_is_undone_leaves_the_next_one_to_be_full(installation: Installation) -> None:
    first = pull(installation)
    record = accept_pull(installation)
    fetching.run_provider_customers(installation, record.import_id, clock=NoWait())
    assert undo(installation, first.import_id, "eva").removed == 6
    whole.run_pull(installation, record.import_id, clock=NoWait())
    assert (record.is_full, accept_pull(installation).is_full) == (False, True)


def test_only_connected_companies_are_pulled_by_the_clock(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    assert accepting_pulls.list_connected(installation, "quickbooks") == [quickbooks.tenant]
    with writing(installation.target) as connection:
        set_state(connection, "quickbooks", quickbooks.tenant, DISCONNECTED)
    assert accepting_pulls.list_connected(installation, "quickbooks") == []
    with pytest.raises(UsageError, match="etl-customers connect quickbooks"):
        accept_pull(installation)


def test_a_person_whom_the_provider_asks_to_erase_is_erased_after_the_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(FakeXero()) as xero:
        for name, value in xero.environment().items():
            monkeypatch.setenv(name, value)
        key = xero.add(3, is_plain=True)[0]
        installation = open_installation(Home(tmp_path / "home"))
        connect_fake(xero, installation.home, installation.target)
        pull(installation, "xero")
        query = sa.select(customers.c.email).join(provider_customers).where(provider_customers.c.provider_id == key)
        with reading(installation.target) as connection:
            email = connection.scalar(query)
        waiting = accept(installation, f"first_name,last_name,email,city\nAda,Example,{email},Sydney\n")
        xero.clock.advance(hours=1)
        xero.change(key, ContactStatus="GDPRREQUEST")
        asked = pull(installation, "xero")
        assert [(reason.provider_id, reason.code) for reason in asked.not_synced] == [(key, "erased")]
        with reading(installation.target) as connection:
            assert connection.scalar(query.with_only_columns(customers.c.is_active)) is False
        installation.upload_path(waiting).unlink()
        assert finish_erasures(installation, asked.import_id) == AskedErasures(erased=1, waiting=0)
        with reading(installation.target) as connection:
            assert connection.scalar(query) is None
            assert connection.scalar(sa.select(removed_customers.c.reason)) == "erased"
        installation.target.dispose()


def test_a_person_who_was_erased_and_is_still_at_the_provider_is_in_no_file_after_a_pull(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    quickbooks.put({"DisplayName": "Canary", "GivenName": "Canary", "FamilyName": "Example"})
    pull(installation)
    with reading(installation.target) as connection:
        erased = connection.scalar(sa.select(customers.c.id).where(customers.c.first_name == "Canary"))
    erase(installation, erased or 0, "eva")
    again = pull(installation, is_full=True)
    assert [(reason.provider_id, reason.code) for reason in again.not_synced] == [("7", "erased")]
    finish_erasures(installation, again.import_id)
    assert fetching.run_provider_customers(installation, again.import_id).fetched == 7
    files = [path for path in installation.home.path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"Canary" in path.read_bytes()]


def test_the_staging_of_a_pull_keeps_its_facts_when_mapped_again(installation: Installation) -> None:
    record = accept_pull(installation)
    first = fetching.run_provider_customers(installation, record.import_id, clock=NoWait(), page_size=2)
    assert fetching.run_provider_customers(installation, record.import_id, clock=NoWait(), page_size=2) == first
    with open_staging(installation.staging_path(record.import_id), 512) as staging:
        assert staging.number("select count(*) from facts where name = 'pull_since'") == 1


def test_a_pull_by_a_mapping_that_names_a_removed_field_is_not_accepted(installation: Installation) -> None:
    with writing(installation.target) as connection:
        add_custom_field(connection, "Remarks", FieldType.TEXT)
        add_mapping(connection, NOTED, "eva")
        remove_custom_field(connection, "remarks")
    with pytest.raises(MappingInvalid, match="there is no such column"):
        accept_pull(installation)
    with reading(installation.target) as connection:
        assert count_imports(connection) == {}


def test_a_pull_whose_mapping_lost_a_field_meanwhile_goes_on_with_the_one_in_force_and_reads_everybody(
    installation: Installation, quickbooks: FakeQuickBooks
) -> None:
    pull(installation)
    with writing(installation.target) as connection:
        add_custom_field(connection, "Remarks", FieldType.TEXT)
        add_mapping(connection, NOTED, "eva")
    pull(installation)
    quickbooks.clock.advance(hours=1)
    quickbooks.change("3", FamilyName="Married", Notes="Pays late")
    broken = accept_pull(installation)
    assert not broken.is_full
    quickbooks.fail(Fault("count", times=inf, answer=as_text("busy", 503)))
    with pytest.raises(ProviderUnavailable):
        whole.run_pull(installation, broken.import_id, clock=NoWait(), page_size=2)
    quickbooks.mend()
    with writing(installation.target) as connection:
        remove_custom_field(connection, "remarks")
    with pytest.raises(MappingInvalid):
        whole.run_pull(installation, broken.import_id, clock=NoWait(), page_size=2)
    with writing(installation.target) as connection:
        remove_mapping(connection, "quickbooks")

    ended = pull(installation)

    assert (ended.import_id, ended.is_full, ended.rows.fetched) == (broken.import_id, True, 6)
    assert record_of(installation, broken.import_id).mapping_digest == shipped_mapping("quickbooks").digest
    assert not pull(installation).is_full
