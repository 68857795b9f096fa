"""pull, and what imports, imports show and failed say of a pull: by real HTTP against a fake."""

import json
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assets.automation import launch
from etl_customers.cli import main
from etl_customers.database.connect import writing
from etl_customers.database.connections import RECONNECT, set_state
from etl_customers.imports.accepting_pulls import accept
from etl_customers.imports.installation import open_installation
from etl_customers.settings.home import Home
from tests.connected import connect_fake
from tests.etl_customers.cli.conftest import Run
from tests.fakes.loopback import as_text
from tests.fakes.provider_server import Fault, running
from tests.fakes.quickbooks import FakeQuickBooks
from tests.fakes.xero import FakeXero


@dataclass(frozen=True)
class Books:
    """A fake with five customers, two of which cannot be customers here, and a home that is connected to it."""

    fake: FakeQuickBooks
    home: Path
    environment: dict[str, str]
    project: str
    misfit: str


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Those, before any pull."""
    home = tmp_path_factory.mktemp("books") / "home"
    with running(FakeQuickBooks()) as fake, pytest.MonkeyPatch.context() as patch:
        for name, value in fake.environment().items():
            patch.setenv(name, value)
        fake.add(3, is_plain=True)
        project = fake.put({"DisplayName": "Canary Project", "IsProject": True})
        misfit = fake.put({"DisplayName": ["Canaryname"], "Title": 5})
        installation = open_installation(Home(home))
        connect_fake(fake, installation.home, installation.target)
        installation.target.dispose()
        yield Books(fake, home, fake.environment(), project, misfit)


@pytest.fixture
def pulled(books: Books, monkeypatch: pytest.MonkeyPatch) -> Books:
    """Those in the environment of a test, as often pulled as the tests before have."""
    for name, value in books.environment.items():
        monkeypatch.setenv(name, value)
    return books


def test_a_pull_answers_scripts_with_one_object(pulled: Books, capsys: pytest.CaptureFixture[str], run: Run) -> None:
    done = run("pull", "quickbooks", "--json", at=pulled.home)
    record = json.loads(done.out)
    assert done.code == 1
    assert (record["source"], record["connection"], record["status"]) == ("quickbooks", pulled.fake.tenant, "finished")
    assert record["rows"] == {"fetched": 5, "created": 3, "updated": 0, "unchanged": 0, "not_synced": 2}
    assert [set(reason) for reason in record["not_synced"]] == [{"provider_id", "code", "message"}] * 3
    assert {(reason["provider_id"], reason["code"]) for reason in record["not_synced"]} == {
        (pulled.project, "project"),
        (pulled.misfit, "invalid_record"),
    }
    assert (record["is_full"], record["is_complete"], record["repeat"], record["refusal"]) == (True, True, False, None)
    assert "Canary" not in done.out + done.err
    import_id = record["import_id"]

    shown = run("imports", "show", import_id, at=pulled.home).out
    assert "5 fetched = 3 created + 0 updated + 0 unchanged + 2 not synced" in shown
    assert "Not synced (1)" in shown
    assert re.search(r"\n +1 +invalid_record ", shown), "one customer, for two reasons"
    assert "Left out on purpose (1)" in shown
    assert f"run: etl-customers pull quickbooks --tenant {pulled.fake.tenant}" in shown
    assert json.loads(run("imports", "show", import_id, "--json", at=pulled.home).out)["rows"] == record["rows"]

    listed = run("imports", at=pulled.home).out
    assert "unchanged" in listed
    assert import_id in listed
    # A pull has its own words, and what was left out on purpose is neither failed nor not synced.
    headings, line = (listed.splitlines()[place] for place in (0, -1))
    assert headings.split()[-6:] == ["failed", "not", "synced", "left", "out", "unread"]
    assert line.split()[-6:-1] == ["3", "0", "0", "1", "1"]

    found = run("customers", "--source", "quickbooks", "--json", at=pulled.home).out
    customers = json.loads(found)["customers"]
    assert [one["provider_names"] for one in customers] == [
        [record["DisplayName"]] for record in list(pulled.fake.records.values())[:3]
    ]

    written = run("failed", import_id, at=pulled.home).out
    assert "Correct it at QuickBooks Online, then run: etl-customers pull quickbooks" in written
    assert '"provider_id","code","message"' in (pulled.home / "failed" / f"{import_id}.csv").read_text("utf-8-sig")


def test_a_provider_that_does_not_answer_now_is_asked_again_later(pulled: Books, run: Run) -> None:
    limit = Fault("any", times=100, answer=as_text("later", 429, **{"Retry-After": "9000"}))
    pulled.fake.fail(limit)
    done = run("pull", "quickbooks", at=pulled.home)
    pulled.fake.mend()
    assert done.code == 3
    assert "etl-customers pull quickbooks" in done.err
    assert "was accepted, but has not ended" in run("imports", "show", _latest(pulled), at=pulled.home).out


def test_a_pull_is_refused_in_one_sentence(pulled: Books, run: Run) -> None:
    pulled.fake.fail(Fault("any", times=100, answer=as_text("no", 404)))
    done = run("pull", "quickbooks", at=pulled.home)
    pulled.fake.mend()
    assert done.code == 2
    assert done.err.startswith("error: the pull from QuickBooks Online was refused: ")
    assert main(["pull", "xero", "--home", str(pulled.home)]) == 2


def test_a_full_pull_stopped_after_the_one_in_its_way_is_not_called_finished(
    pulled: Books, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("pull", "quickbooks", at=pulled.home)
    installation = open_installation(Home(pulled.home))
    in_the_way = accept(installation, "quickbooks", None, accepted_by="test").record
    installation.target.dispose()
    assert not in_the_way.is_full
    run_job = launch.run_import_job

    def run_and_stop(*arguments: Any) -> Any:
        run_job(*arguments)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(launch, "run_import_job", run_and_stop)
    monkeypatch.setattr(signal, "SIG_IGN", object())  # whoever runs the tests in the background has SIGINT ignored
    done = run("pull", "quickbooks", "--full", at=pulled.home)
    assert done.code == 130
    assert done.err.strip() == (
        f"stopped; pull {in_the_way.import_id}, which had to end first, has finished, "
        "but nothing of the full pull was loaded; run the same command again"
    )


def test_the_list_of_a_pull_goes_when_nothing_is_to_be_done_any_more(pulled: Books, run: Run) -> None:
    run("pull", "quickbooks", "--full", at=pulled.home)
    first = _latest(pulled)
    path = Home(pulled.home).failed / f"{first}.csv"
    assert path.exists()
    assert run("undo", first, at=pulled.home).code == 0
    assert "there is nothing to do" in run("failed", first, at=pulled.home).out


def test_wrong_words_are_answered_on_one_line(run: Run, tmp_path: Path) -> None:
    for words in (["pull"], ["pull", "sage"], ["pull", "xero", "--tenant", "nowhere"]):
        done = run(*words, at=tmp_path / "home")
        assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
        assert "Value error" not in done.err


def _latest(books: Books) -> str:
    from etl_customers.database.connect import reading
    from etl_customers.database.ledger import list_imports

    installation = open_installation(Home(books.home))
    with reading(installation.target) as connection:
        (record,) = list_imports(connection, limit=1)
    installation.target.dispose()
    return record.import_id


def test_several_companies_are_pulled_one_after_the_other_with_a_result_each(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(FakeXero()) as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        other = fake.open_books("Other Organisation")
        fake.add(2, is_plain=True)
        other.put({"Name": "Only Shop", "ContactStatus": "ACTIVE", "IsCustomer": True})
        installation = open_installation(Home(tmp_path / "home"))
        for tenant in fake.books:
            connect_fake(fake, installation.home, installation.target, tenant=tenant)
        done = run("pull", "xero", "--json", at=installation.home.path)
        first, second = sorted(json.loads(done.out)["pulls"], key=lambda one: one["connection"] != fake.tenant)
        assert (done.code, done.err) == (0, "")
        assert (first["connection"], first["rows"]["created"]) == (fake.tenant, 2)
        assert (second["connection"], second["rows"]["created"]) == (other.tenant, 1)
        with writing(installation.target) as connection:
            set_state(connection, "xero", other.tenant, RECONNECT)
        done = run("pull", "xero", at=installation.home.path)
        assert done.code == 2
        assert "Xero, changed customers: " in done.out
        assert f"tenant      {fake.tenant}" in done.out
        assert done.err.count(f"no longer accepts the connection {other.tenant}") == 1
        refused = run("pull", "xero", "--full", "--accept-vanished", at=installation.home.path)
        assert (refused.code, "--tenant ID" in refused.err) == (2, True)
        installation.target.dispose()
