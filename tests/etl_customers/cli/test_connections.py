"""connect, connections, disconnect, and what doctor says of connections: by real HTTP against the fakes."""

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from etl_customers.database.connect import connect, writing
from etl_customers.database.connections import RECONNECT, set_state
from etl_customers.settings.home import Home
from tests.connected import connect_fake
from tests.fakes.loopback import as_text
from tests.fakes.provider_server import Fault
from tests.fakes.quickbooks import FakeQuickBooks, gateway
from tests.fakes.xero import FakeXero, problem

PROGRAM = Path(sys.executable).with_name("etl-customers")


class Person:
    """Somebody at a terminal: opens the address that was printed, pastes where it led to, then answers."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *answers: str) -> None:
        self.capsys, self.answers, self.has_terminal = capsys, [*answers], bool(answers)
        self.seen = ""

    def isatty(self) -> bool:
        return self.has_terminal

    def readline(self) -> str:
        new = self.capsys.readouterr().out
        self.seen += new
        address = re.search(r"^http\S+", new, re.MULTILINE)
        if address is None:
            return f"{self.answers.pop(0)}\n"
        return f"{requests.get(address[0], allow_redirects=False, timeout=5).headers['Location']}\n"


@pytest.fixture
def xero(xero: FakeXero) -> FakeXero:
    """The same with two organisations."""
    xero.open_books("Second Organisation")
    return xero


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Put a person in front of the command, with answers or without a terminal."""

    def sit(*answers: str) -> Person:
        person = Person(capsys, *answers)
        monkeypatch.setattr("sys.stdin", person)
        return person

    return sit


def listed(run: Any) -> dict[str, dict[str, Any]]:
    """Return the connections by tenant id."""
    return {one["tenant_id"]: one for one in json.loads(run("connections", "--json").out)["connections"]}


def free_port() -> int:
    """Return a port that nobody listens on."""
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def test_the_browser_comes_back_and_the_company_is_connected_until_it_is_disconnected(
    run: Any, home: Path, tmp_path: Path, quickbooks: FakeQuickBooks
) -> None:
    browser = tmp_path / "browser.py"
    browser.write_text("import sys, urllib.request\nurllib.request.urlopen(sys.argv[1]).read()\n", encoding="utf-8")
    environment = os.environ | {
        "BROWSER": f"{sys.executable} {browser} %s",
        "ETL_CUSTOMERS_QUICKBOOKS__REDIRECT_URI": f"http://localhost:{free_port()}/callback",
    }
    words = [str(PROGRAM), "connect", "quickbooks", "--home", str(home)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert f"company {quickbooks.realm} (Example Books) is connected" in done.stdout
    assert re.search(
        r"environment +127\.0\.0\.1 *\ncountry +US *\nregion +not known *\ncustomers +0, including inactive ones",
        done.stdout,
    )
    assert listed(run)[quickbooks.realm]["state"] == "connected"
    assert run("doctor").code == 0
    shown = run("connections").out
    assert quickbooks.realm in shown
    assert not re.search(r":[0-9]{2}:", shown), "no seconds: a line of Xero's would be too long"
    assert run("disconnect", "quickbooks").code == 0
    assert (quickbooks.count("revoke"), quickbooks.oauth.grants[0].is_revoked) == (1, True)
    assert listed(run)[quickbooks.realm]["state"] == "disconnected"
    assert run("doctor").code == 0
    assert not [secret for secret in quickbooks.oauth.issued if secret in done.stdout + done.stderr]


def test_of_several_organisations_one_is_chosen_and_each_is_ended_by_itself(
    run: Any, xero: FakeXero, at_terminal: Any
) -> None:
    first, second = xero.books
    at_terminal()
    asked = run("connect", "xero", "--manual")
    assert asked.code == 2
    assert f", where ID is one of {first}, {second}" in asked.err
    assert run("connect", "xero", "--manual", "--tenant", second).code == 0
    person = at_terminal("3", "1")
    assert run("connect", "xero", "--manual").code == 0
    assert "Second Organisation" in person.seen
    assert {one["state"] for one in listed(run).values()} == {"connected"}
    assert run("disconnect", "xero").code == 2
    assert run("disconnect", "xero", "--tenant", first).code == 0
    assert [one["tenantId"] for one in xero.connections] == [second]
    assert xero.count("revoke") == 0, "it would end the other connection as well"
    assert run("disconnect", "xero").code == 0
    assert (xero.connections, xero.count("revoke")) == ([], 1)
    assert run("disconnect", "xero", "--tenant", first).code == 0


def test_a_company_to_which_no_access_was_given_is_not_connected(
    run: Any, quickbooks: FakeQuickBooks, at_terminal: Any
) -> None:
    at_terminal()
    refused = run("connect", "quickbooks", "--manual", "--tenant", "42")
    assert refused.code == 2
    assert f"access was given to {quickbooks.realm}, not to 42" in refused.err
    assert listed(run) == {}


def test_who_gives_no_access_changes_nothing(run: Any, quickbooks: FakeQuickBooks, at_terminal: Any) -> None:
    at_terminal()
    quickbooks.oauth.is_denying = True
    refused = run("connect", "quickbooks", "--manual")
    assert refused.code == 2
    assert "access was not given" in refused.err
    assert (listed(run), quickbooks.count("token")) == ({}, 0)


def test_an_input_that_ends_stops_the_command(run: Any, quickbooks: FakeQuickBooks, monkeypatch: Any) -> None:
    with open(os.devnull) as nothing:  # noqa: PTH123 - a stream, not a path
        monkeypatch.setattr("sys.stdin", nothing)
        assert run("connect", "quickbooks", "--manual").code == 130


def test_a_provider_that_is_down_is_named_with_the_command_to_repeat(
    run: Any, quickbooks: FakeQuickBooks, at_terminal: Any
) -> None:
    at_terminal()
    quickbooks.fail(Fault(kind="token", answer=as_text("", 503)))
    failed = run("connect", "quickbooks", "--manual")
    assert failed.code == 3
    assert "it answered 503, request " in failed.err
    assert "try again later: etl-customers connect quickbooks" in failed.err
    assert listed(run) == {}


def test_a_code_is_redeemed_once_only(run: Any, quickbooks: FakeQuickBooks, at_terminal: Any) -> None:
    at_terminal()
    quickbooks.fail(Fault(kind="token", cut="after"))
    assert run("connect", "quickbooks", "--manual").code == 3
    assert quickbooks.count("token") == 1


def test_a_company_whose_name_is_not_to_be_had_is_connected_and_connecting_again_mends(
    run: Any, home: Path, quickbooks: FakeQuickBooks, at_terminal: Any
) -> None:
    at_terminal()
    quickbooks.fail(Fault(kind="company", cut="before"))
    assert run("connect", "quickbooks", "--manual").code == 1
    assert listed(run)[quickbooks.realm]["name"] is None
    mark_reconnect(home, quickbooks)
    broken = run("doctor")
    assert broken.code == 1
    assert "run: etl-customers connect quickbooks" in broken.out
    assert run("connect", "quickbooks", "--manual").code == 0
    assert listed(run)[quickbooks.realm]["name"] == "Example Books"
    assert run("doctor").code == 0


def test_connecting_ends_with_a_look_at_the_company_and_says_what_does_not_answer(
    run: Any, quickbooks: FakeQuickBooks, at_terminal: Any
) -> None:
    at_terminal()
    quickbooks.add(20)
    quickbooks.country = "AUS"
    seen = run("connect", "quickbooks", "--manual")
    assert (seen.code, seen.err) == (0, "")
    assert re.search(r"country +AU *\nregion +not known *\ncustomers +20, including inactive ones\n", seen.out)
    refused = gateway(403, 3100, "ApplicationAuthorizationFailed", "")
    for kind, what in (("company", "CompanyInfo"), ("count", "the number of customers")):
        quickbooks.fail(Fault(kind=kind, answer=refused))
        broken = run("connect", "quickbooks", "--manual")
        assert broken.code == 1
        assert f"error: {what} cannot be read (it answered 403, request 1-" in broken.err
        assert "is connected" in broken.out
    assert listed(run)[quickbooks.realm]["state"] == "connected"
    assert quickbooks.count("page") == 0


def test_connecting_says_how_many_there_are_of_each_kind_and_which_are_left_out(
    run: Any, quickbooks: FakeQuickBooks, xero: FakeXero, at_terminal: Any
) -> None:
    at_terminal()
    quickbooks.add(20)
    xero.add(20)
    xero.put({"Name": "Example Both", "ContactStatus": "ACTIVE", "IsCustomer": True, "IsSupplier": True})
    seen = run("connect", "quickbooks", "--manual").out
    assert re.search(
        r"19 +customers and sub-customers \(see \S+\) +taken *\n +1 +projects +left out *\n +1 +inactive ones among all of these *\n",
        seen,
    )
    seen = run("connect", "xero", "--manual", "--tenant", xero.tenant).out
    assert re.search(r"18 +customers +taken *\n +1 +customers that are also suppliers +taken *\n", seen)
    assert re.search(r"1 +suppliers only +left out, because xero\.include_suppliers = false *\n", seen)
    assert re.search(
        r"1 +contacts that have no sales and no purchases +taken, because xero\.include_unused = true", seen
    )
    assert (quickbooks.count("page"), xero.count("page")) == (0, 4)


def test_kinds_that_a_provider_does_not_tell_are_no_trouble_of_the_connection(
    run: Any, quickbooks: FakeQuickBooks, at_terminal: Any
) -> None:
    at_terminal()
    quickbooks.has_projects = False
    seen = run("connect", "quickbooks", "--manual")
    assert (seen.code, seen.err) == (0, "")
    assert "the kinds of customers cannot be read (it answered 400, request 1-" in seen.out
    assert "a full pull counts them" in seen.out


def test_the_end_for_good_of_a_connection_is_shown_and_the_doctor_names_it_in_time(
    run: Any, quickbooks: FakeQuickBooks, at_terminal: Any
) -> None:
    at_terminal()
    assert run("connect", "quickbooks", "--manual").code == 0
    end = listed(run)[quickbooks.realm]["hard_expires_at"]
    shown = run("connections").out
    assert end[:10] in shown
    assert "Example Books (US)" in shown, "on one line: the name has room beside Intuit's ids"
    examined = run("doctor")
    assert (examined.code, f"expires in any case on {end[:10]}" in examined.out) == (0, True)
    month = 30 * 24 * 3600
    quickbooks.fail(Fault(kind="token", edit=lambda value: value | {"x_refresh_token_hard_expires_in": month}))
    assert run("connect", "quickbooks", "--manual").code == 0
    examined = run("doctor")
    assert (examined.code, "somebody has to give access again before that" in examined.out) == (1, True)


def test_a_demo_company_of_xero_is_called_one(run: Any, xero: FakeXero, at_terminal: Any) -> None:
    at_terminal()
    xero.add(3, is_plain=True)
    xero.is_demo, xero.country, xero.region = True, "NZ", "Auckland"
    seen = run("connect", "xero", "--manual", "--tenant", xero.tenant)
    assert seen.code == 0, seen.err
    assert re.search(
        r"environment +demo company *\ncountry +NZ *\nregion +Auckland *\ncustomers +3, including inactive ones",
        seen.out,
    )
    xero.fail(Fault(kind="company", answer=problem(403, "Forbidden", "AuthorizationUnsuccessful")))
    broken = run("connect", "xero", "--manual", "--tenant", xero.tenant)
    assert (broken.code, "Organisation cannot be read (it answered 403" in broken.err) == (1, True)


def test_where_a_company_is_is_shown_and_a_setting_changes_what_is_wrong(
    run: Any, quickbooks: FakeQuickBooks, at_terminal: Any
) -> None:
    def place() -> tuple[str | None, str | None]:
        one = listed(run)[quickbooks.realm]
        return one["country"], one["region"]

    early = run("settings", "set", "quickbooks.region", "NSW")
    assert (early.code, "settings set quickbooks.country AU" in early.err) == (2, True)
    at_terminal()
    quickbooks.country, quickbooks.region = "AU", "NSW"
    assert run("connect", "quickbooks", "--manual").code == 0
    assert place() == ("AU", "New South Wales")
    assert "Example Books (New South Wales, AU)" in " ".join(run("connections").out.split())
    refused = run("settings", "set", "quickbooks.region", "Queenland")
    assert (refused.code, "did you mean Queensland?" in refused.err) == (2, True)
    assert "quickbooks.region is now Queensland" in run("settings", "set", "quickbooks.region", "qld").out
    assert place() == ("AU", "Queensland")
    refused = run("settings", "set", "quickbooks.country", "Canada")
    assert (refused.code, "quickbooks.region: not a state of quickbooks.country" in refused.err) == (2, True)
    assert "settings unset quickbooks.region" in refused.err
    assert run("settings", "unset", "quickbooks.region").code == 0
    assert "quickbooks.country is now CA" in run("settings", "set", "quickbooks.country", "Canada").out
    assert place() == ("CA", None)
    assert "quickbooks.region is now British Columbia" in run("settings", "set", "quickbooks.region", "BC").out
    assert place() == ("CA", "British Columbia")


def test_a_connection_that_cannot_be_ended_at_the_provider_is_kept_unless_forced(
    run: Any, home: Path, quickbooks: FakeQuickBooks
) -> None:
    made(home, quickbooks)
    quickbooks.fail(Fault(kind="revoke", cut="before", times=2))
    kept = run("disconnect", "quickbooks")
    assert kept.code == 3
    assert "try again later: etl-customers disconnect quickbooks" in kept.err
    assert listed(run)[quickbooks.realm]["state"] == "connected"
    forced = run("disconnect", "quickbooks", "--force")
    assert forced.code == 0
    assert "end it there" in forced.err
    assert listed(run)[quickbooks.realm]["state"] == "disconnected"


def test_what_was_ended_in_xero_is_disconnected_here(run: Any, home: Path, xero: FakeXero) -> None:
    made(home, xero)
    xero.oauth.forget_grants()
    assert run("disconnect", "xero").code == 0
    assert listed(run)[xero.tenant]["state"] == "disconnected"


def test_the_doctor_names_a_connection_that_nobody_has_used_for_half_its_life(
    run: Any, home: Path, xero: FakeXero
) -> None:
    made(home, xero, ago=timedelta(days=31))
    examined = run("doctor")
    assert examined.code == 1
    assert f"PROBLEM  connection xero {xero.tenant}: last renewed" in examined.out


def test_the_doctor_names_a_key_that_is_lost_or_that_others_can_read(run: Any, home: Path, xero: FakeXero) -> None:
    made(home, xero)
    assert run("doctor").code == 0
    Home(home).secret_key.chmod(0o644)
    assert "chmod 600" in run("doctor").out
    Home(home).secret_key.unlink()
    examined = run("doctor")
    assert examined.code == 1
    assert "its token cannot be read; the key of stored tokens is missing" in examined.out


def test_commands_name_the_providers_there_are(run: Any) -> None:
    assert run("connections").code == 0
    wrong = run("connect", "sage")
    assert wrong.code == 2
    assert "quickbooks" in wrong.err


def made(home: Path, fake: FakeQuickBooks | FakeXero, ago: timedelta = timedelta(0)) -> None:
    """Connect the fake's first company."""
    from etl_customers.database.connect import ensure_migrated

    target = connect(f"sqlite:///{Home(home).make().embedded_database}")
    ensure_migrated(target, embedded=True)
    connect_fake(fake, Home(home), target, ago=ago)
    target.dispose()


def mark_reconnect(home: Path, fake: FakeQuickBooks | FakeXero) -> None:
    """Set the state that a refused token leaves."""
    target = connect(f"sqlite:///{Home(home).embedded_database}")
    with writing(target) as connection:
        set_state(connection, fake.provider, fake.tenant, RECONNECT)
    target.dispose()
