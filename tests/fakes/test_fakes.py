"""The fakes do what the vendors' pages say: signing in, tokens, pages, limits, and the mishaps that are scripted."""

import base64
import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.fakes.loopback import as_text
from tests.fakes.oauth import CLIENT_ID, CLIENT_SECRET, HARD_LIFE_HEADER
from tests.fakes.provider_server import Fault, Limits, running
from tests.fakes.quickbooks import FakeQuickBooks, fault
from tests.fakes.xero import FakeXero

CLIENT = (CLIENT_ID, CLIENT_SECRET)
VERIFIER = "v" * 43
ALL = "select * from Customer where Active in (true, false) orderby Id startposition {} maxresults {}"


@pytest.fixture
def quickbooks() -> Iterator[FakeQuickBooks]:
    """A fake with 25 customers."""
    with running(FakeQuickBooks()) as fake:
        fake.add(25)
        yield fake


@pytest.fixture
def xero() -> Iterator[FakeXero]:
    """A fake with 25 contacts."""
    with running(FakeXero()) as fake:
        fake.add(25)
        yield fake


def query(fake: FakeQuickBooks, statement: str, token: object = None) -> requests.Response:
    token = token or fake.sign_in()["access_token"]
    return requests.get(
        f"{fake.url}/v3/company/{fake.realm}/query",
        params={"query": statement, "minorversion": "75"},
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        timeout=5,
    )


def changes(fake: FakeQuickBooks, since: str, token: object = None, **parameters: str) -> requests.Response:
    token = token or fake.sign_in()["access_token"]
    return requests.get(
        f"{fake.url}/v3/company/{fake.realm}/cdc",
        params={"entities": "Customer", "changedSince": since, "minorversion": "75"} | parameters,
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        timeout=5,
    )


def contacts(fake: FakeXero, token: object = None, since: str | None = None, **parameters: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {token or fake.sign_in()['access_token']}", "xero-tenant-id": fake.tenant}
    headers["Accept"] = "application/json"
    if since is not None:
        headers["If-Modified-Since"] = since
    return requests.get(f"{fake.url}/api.xro/2.0/Contacts", params=parameters, headers=headers, timeout=5)


def refresh(fake: FakeQuickBooks | FakeXero, token: object) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": str(token)}
    return requests.post(fake.settings()["token_url"], data=form, auth=CLIENT, timeout=5)


def authorize(fake: FakeQuickBooks | FakeXero, **extra: str) -> dict[str, str]:
    """Return the parameters of the redirect."""
    asked = {"client_id": CLIENT_ID, "response_type": "code", "redirect_uri": "http://localhost/cb", "state": "s"}
    answer = requests.get(fake.settings()["authorize_url"], params=asked | extra, allow_redirects=False, timeout=5)
    assert answer.status_code == 302
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def redeem(fake: FakeQuickBooks | FakeXero, code: str, **extra: str) -> requests.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost/cb"}
    return requests.post(fake.settings()["token_url"], data=form | extra, auth=CLIENT, timeout=5)


def test_quickbooks_names_the_realm_on_the_redirect_and_takes_a_code_once(quickbooks: FakeQuickBooks) -> None:
    redirected = authorize(quickbooks)
    assert redirected["realmId"] == quickbooks.realm
    assert redirected["state"] == "s"
    tokens = redeem(quickbooks, redirected["code"]).json()
    assert (tokens["expires_in"], tokens["x_refresh_token_expires_in"]) == (3600, 8726400)
    assert query(quickbooks, "select count(*) from Customer", tokens["access_token"]).ok
    again = redeem(quickbooks, redirected["code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_person_who_declines_and_a_client_that_is_unknown_get_no_token(quickbooks: FakeQuickBooks) -> None:
    quickbooks.oauth.is_denying = True
    assert authorize(quickbooks) == {"error": "access_denied", "state": "s"}
    answer = requests.post(quickbooks.settings()["token_url"], auth=("who", "else"), timeout=5)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_xero_verifies_pkce_and_lists_its_connections(xero: FakeXero) -> None:
    other = xero.open_books("Other").tenant
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    assert redeem(xero, authorize(xero, **asked)["code"], code_verifier="wrong").status_code == 400
    tokens = redeem(xero, authorize(xero, **asked)["code"], code_verifier=VERIFIER).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    listed = requests.get(f"{xero.url}/connections", headers=headers, timeout=5).json()
    assert [connection["tenantId"] for connection in listed] == [xero.tenant, other]
    gone = requests.delete(f"{xero.url}/connections/{listed[0]['id']}", headers=headers, timeout=5)
    assert gone.status_code == 204
    assert contacts(xero, tokens["access_token"], page=1).status_code == 403


def test_quickbooks_keeps_a_refresh_token_for_a_day_and_then_replaces_it_for_good(quickbooks: FakeQuickBooks) -> None:
    first = quickbooks.sign_in()["refresh_token"]
    assert refresh(quickbooks, first).json()["refresh_token"] == first
    quickbooks.clock.advance(hours=25)
    second = refresh(quickbooks, first).json()["refresh_token"]
    assert second != first
    assert refresh(quickbooks, first).json()["error"] == "invalid_grant"
    assert refresh(quickbooks, second).ok
    quickbooks.clock.advance(days=102)
    assert refresh(quickbooks, second).json()["error"] == "invalid_grant"


def test_xero_replaces_a_refresh_token_each_time_and_takes_the_old_one_for_half_an_hour(xero: FakeXero) -> None:
    first = xero.sign_in()["refresh_token"]
    lost = refresh(xero, first).json()["refresh_token"]
    found = refresh(xero, first).json()["refresh_token"]
    assert len({first, lost, found}) == 3
    assert refresh(xero, lost).json()["error"] == "invalid_grant"
    xero.clock.advance(minutes=31)
    assert refresh(xero, first).json()["error"] == "invalid_grant"
    assert refresh(xero, found).ok


def test_a_consent_that_was_revoked_is_of_no_use(quickbooks: FakeQuickBooks) -> None:
    tokens = quickbooks.sign_in()
    url = quickbooks.settings()["revoke_url"]
    assert requests.post(url, json={"token": tokens["refresh_token"]}, auth=CLIENT, timeout=5).ok
    assert refresh(quickbooks, tokens["refresh_token"]).status_code == 400
    assert query(quickbooks, "select * from Customer", tokens["access_token"]).status_code == 401


def test_quickbooks_serves_pages_by_id_and_inactive_ones_only_when_asked(quickbooks: FakeQuickBooks) -> None:
    first = query(quickbooks, ALL.format(1, 20)).json()["QueryResponse"]
    second = query(quickbooks, ALL.format(21, 20)).json()["QueryResponse"]
    assert (first["maxResults"], second["startPosition"], second["maxResults"]) == (20, 21, 5)
    assert [int(record["Id"]) for record in first["Customer"] + second["Customer"]] == list(range(1, 26))
    inactive = next(record for record in first["Customer"] if not record["Active"])
    assert inactive["DisplayName"].endswith(" (deleted)")
    assert not quickbooks.records[inactive["Id"]]["DisplayName"].endswith(" (deleted)")
    assert query(quickbooks, ALL.format(26, 20)).json()["QueryResponse"] == {}
    assert query(quickbooks, "select count(*) from Customer").json()["QueryResponse"] == {"totalCount": 24}
    names = [
        r["FullyQualifiedName"].lower()
        for r in query(quickbooks, "select * from Customer").json()["QueryResponse"]["Customer"]
    ]
    assert names == sorted(names)


def test_quickbooks_selects_by_the_time_of_the_last_update_in_any_offset(quickbooks: FakeQuickBooks) -> None:
    quickbooks.clock.advance(hours=1)
    since = (quickbooks.clock.now() - timedelta(minutes=1)).astimezone(UTC).isoformat(timespec="seconds")
    quickbooks.change("3", GivenName="Changed")
    statement = f"select * from Customer where Active in (true, false) and MetaData.LastUpdatedTime >= '{since}'"
    found = query(quickbooks, statement).json()["QueryResponse"]["Customer"]
    assert [(record["Id"], record["SyncToken"]) for record in found] == [("3", "1")]
    moved = datetime.fromisoformat(found[0]["MetaData"]["LastUpdatedTime"])
    assert abs(moved - quickbooks.clock.now()) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("select * from Customer startposition 0", "4001"),
        ("select * from Customer maxresults 1001", "4001"),
        ("select Id from Customer", "4000"),
        ("select * from Customer where Id = '1' or Id = '2'", "4000"),
        ("select * from Customer where MetaData.LastUpdatedTime >= '2026-01-01T00:00:00 00:00'", "4001"),
    ],
)
def test_quickbooks_refuses_statements_outside_its_grammar(
    quickbooks: FakeQuickBooks, statement: str, code: str
) -> None:
    answer = query(quickbooks, statement)
    assert (answer.status_code, answer.json()["Fault"]["Error"][0]["code"]) == (400, code)


def test_an_expired_token_is_refused_and_quickbooks_repeats_it(quickbooks: FakeQuickBooks, xero: FakeXero) -> None:
    token = quickbooks.sign_in()["access_token"]
    quickbooks.clock.advance(hours=2)
    answer = query(quickbooks, "select * from Customer", token)
    assert answer.status_code == 401
    assert answer.json()["fault"]["error"][0]["detail"] == f"Token expired: {token}"
    assert "intuit_tid" in answer.headers
    token = xero.sign_in()["access_token"]
    xero.clock.advance(hours=1)
    assert contacts(xero, token, page=1).json()["Title"] == "Unauthorized"


def test_xero_serves_pages_by_id_with_archived_ones_and_counts(xero: FakeXero) -> None:
    pages = [contacts(xero, page=n, pageSize=20, order="ContactID", includeArchived="true") for n in (1, 2, 3)]
    first, second, third = [page.json() for page in pages]
    assert first["pagination"] == {"page": 1, "pageSize": 20, "pageCount": 2, "itemCount": 25}
    assert [record["ContactID"] for record in first["Contacts"] + second["Contacts"]] == sorted(xero.records)
    assert third["Contacts"] == []
    assert first["DateTimeUTC"].startswith("/Date(")
    assert contacts(xero, page=1).json()["pagination"]["itemCount"] == 24
    assert {"X-DayLimit-Remaining", "X-MinLimit-Remaining", "Xero-Correlation-Id"} <= set(pages[0].headers)
    assert xero.requests[0].headers["xero-tenant-id"] == xero.tenant


def test_xero_selects_by_the_last_update_which_a_first_sale_does_not_move(xero: FakeXero) -> None:
    xero.clock.advance(hours=1)
    since = f"{xero.clock.now():%Y-%m-%dT%H:%M:%S}"
    one, other, third, *_ = xero.records
    xero.change(one, IsSupplier=True)
    xero.deactivate(other)
    xero.merge(third, other)
    found = contacts(xero, since=since, page=1, includeArchived="true").json()["Contacts"]
    assert {record["ContactID"] for record in found} == {other, third}
    assert {record.get("MergedToContactID") for record in found} == {None, other}


def test_requests_beyond_the_limits_are_told_to_wait(quickbooks: FakeQuickBooks, xero: FakeXero) -> None:
    xero.limits = Limits(per_minute=2, per_day=3, window_seconds=0.2)
    token = xero.sign_in()["access_token"]
    answers = [contacts(xero, token, page=1) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["X-Rate-Limit-Problem"] == "minute"
    time.sleep(0.2)
    assert contacts(xero, token, page=1).ok
    assert contacts(xero, token, page=1).headers["X-Rate-Limit-Problem"] == "day"
    quickbooks.limits = Limits(per_minute=500, per_second=1)
    token = quickbooks.sign_in()["access_token"]
    assert [query(quickbooks, "select * from Customer", token).status_code for _ in range(2)] == [200, 429]


def test_intuits_gateways_tell_of_too_many_calls_in_their_own_ways_and_never_for_how_long(
    quickbooks: FakeQuickBooks,
) -> None:
    quickbooks.limits = Limits(per_minute=0)
    token = quickbooks.sign_in()["access_token"]
    answers = [query(quickbooks, "select * from Customer", token) for _ in range(3)]
    kinds = [(answer.status_code, answer.headers["Content-Type"].partition(";")[0]) for answer in answers]
    assert kinds == [(429, "application/json"), (429, "text/plain"), (403, "application/xml")]
    assert not [answer for answer in answers if "Retry-After" in answer.headers]


def test_quickbooks_speaks_xml_at_times_though_it_is_asked_for_json(quickbooks: FakeQuickBooks) -> None:
    quickbooks.speaks_xml = True
    refused = query(quickbooks, "select Id from Customer")
    assert (refused.status_code, refused.headers["Content-Type"]) == (400, "application/xml")
    assert '<Error code="4000">' in refused.text
    expired = query(quickbooks, "select * from Customer", "nobody's")
    assert (expired.status_code, '<Error code="3200">' in expired.text) == (401, True)


def test_who_does_not_ask_for_json_gets_xml(quickbooks: FakeQuickBooks, xero: FakeXero) -> None:
    addresses: dict[str, FakeQuickBooks | FakeXero] = {
        f"{quickbooks.url}/v3/company/{quickbooks.realm}/query?query=select+*+from+Customer": quickbooks,
        f"{xero.url}/api.xro/2.0/Contacts": xero,
    }
    for address, fake in addresses.items():
        headers = {"Authorization": f"Bearer {fake.sign_in()['access_token']}", "xero-tenant-id": fake.tenant}
        answer = requests.get(address, headers=headers, timeout=5)
        assert (answer.status_code, "xml" in answer.headers["Content-Type"]) == (200, True)


def test_pages_may_hold_fewer_than_were_asked_for(quickbooks: FakeQuickBooks, xero: FakeXero) -> None:
    quickbooks.most_per_page = xero.most_per_page = 10
    page = query(quickbooks, ALL.format(1, 20)).json()["QueryResponse"]
    assert (len(page["Customer"]), page["maxResults"]) == (10, 10)
    page = contacts(xero, page=2, pageSize=20, order="ContactID", includeArchived="true").json()
    assert (len(page["Contacts"]), page["pagination"]["pageCount"], page["pagination"]["itemCount"]) == (10, 3, 25)


def test_customers_are_given_to_those_too_who_may_not_read_what_the_company_is(
    quickbooks: FakeQuickBooks, xero: FakeXero
) -> None:
    quickbooks.refuses_company = xero.refuses_company = True
    paths: dict[FakeQuickBooks | FakeXero, str] = {
        quickbooks: f"/v3/company/{quickbooks.realm}/companyinfo/{quickbooks.realm}"
    }
    paths[xero] = "/api.xro/2.0/Organisation"
    for fake, path in paths.items():
        headers = {"Authorization": f"Bearer {fake.sign_in()['access_token']}", "xero-tenant-id": fake.tenant}
        headers["Accept"] = "application/json"
        assert requests.get(f"{fake.url}{path}", headers=headers, timeout=5).status_code == 403
    assert query(quickbooks, ALL.format(1, 20)).ok
    assert contacts(xero, page=1).ok


def test_the_end_of_a_consent_is_told_only_to_those_who_ask_for_it(quickbooks: FakeQuickBooks) -> None:
    token = quickbooks.sign_in()["refresh_token"]
    assert "x_refresh_token_hard_expires_in" not in refresh(quickbooks, token).json()
    form = {"grant_type": "refresh_token", "refresh_token": str(token)}
    url, asking = quickbooks.settings()["token_url"], {HARD_LIFE_HEADER: "true"}
    told = requests.post(url, data=form, auth=CLIENT, headers=asking, timeout=5).json()
    assert told["x_refresh_token_hard_expires_in"] == pytest.approx(5 * 365 * 86400, abs=60)


def test_change_data_capture_tells_what_changed_whole_and_of_what_was_merged_away_the_id(
    quickbooks: FakeQuickBooks,
) -> None:
    quickbooks.clock.advance(days=1)
    since = quickbooks.clock.now().isoformat()
    assert changes(quickbooks, since).json()["CDCResponse"] == [{"QueryResponse": [{}]}]
    quickbooks.clock.advance(hours=1)
    quickbooks.deactivate("5")
    quickbooks.merge("3", "4")
    quickbooks.remove("6")
    answer = changes(quickbooks, since, startPosition="2", maxResults="1").json()["CDCResponse"][0]["QueryResponse"][0]
    assert [(one["Id"], one.get("status"), one.get("Active")) for one in answer["Customer"]] == [
        ("4", None, True),
        ("5", None, False),
        ("3", "Deleted", None),
    ]
    assert set(answer["Customer"][2]) == {"domain", "status", "Id", "MetaData"}
    assert (answer["maxResults"], answer["totalCount"]) == (3, 3)
    assert "3" not in [one["Id"] for one in query(quickbooks, ALL.format(1, 1000)).json()["QueryResponse"]["Customer"]]


def test_change_data_capture_looks_back_thirty_days_and_has_a_thousand_objects_and_no_pages(
    quickbooks: FakeQuickBooks,
) -> None:
    now = quickbooks.clock.now()
    assert changes(quickbooks, (now - timedelta(days=30, minutes=1)).isoformat()).status_code == 400
    assert "older than fixed days" in changes(quickbooks, "2020-01-01").json()["Fault"]["Error"][0]["Detail"]
    assert changes(quickbooks, "yesterday").status_code == 400
    assert changes(quickbooks, now.isoformat(), entities="Customers").status_code == 400
    quickbooks.add(1000)
    quickbooks.merge("3", "4")
    answer = changes(quickbooks, (now - timedelta(days=29)).isoformat()).json()["CDCResponse"][0]["QueryResponse"][0]
    assert len(answer["Customer"]) == 1000
    assert not [one for one in answer["Customer"] if one.get("status") == "Deleted"]
    token = quickbooks.sign_in()["access_token"]
    quickbooks.limits = Limits(per_minute=1)
    assert [changes(quickbooks, now.isoformat(), token).status_code for _ in range(2)] == [200, 429]


def test_mishaps_come_when_they_are_scripted_and_no_longer(quickbooks: FakeQuickBooks) -> None:
    token = quickbooks.sign_in()["access_token"]
    quickbooks.fail(
        Fault(answer=as_text("<html>", 503, "text/html")),
        Fault(nth=2, answer=fault(3001, "ThrottleExceeded", status=200)),
        Fault(nth=3, cut="before"),
        Fault(nth=4, cut="body"),
        Fault(nth=5, edit_bytes=lambda body: body[:50]),
        Fault(nth=6, replay=True),
        Fault(nth=7, edit=lambda page: page["QueryResponse"]["Customer"].clear()),
        Fault(kind="count", cut="after"),
        Fault(kind="page", nth=8, after=lambda: quickbooks.remove("1")),
    )
    one = ALL.format(1, 1)
    assert query(quickbooks, one, token).status_code == 503
    assert "Fault" in query(quickbooks, one, token).json()
    for _ in range(2):
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            query(quickbooks, one, token)
    assert query(quickbooks, one, token).headers["Content-Length"] == "50"
    assert query(quickbooks, one, token).json()["QueryResponse"]["Customer"][0]["Id"] == "1"
    assert query(quickbooks, one, token).json()["QueryResponse"]["Customer"] == []
    with pytest.raises(requests.ConnectionError):
        query(quickbooks, "select count(*) from Customer", token)
    assert query(quickbooks, one, token).json()["QueryResponse"]["Customer"][0]["Id"] == "1"
    assert query(quickbooks, one, token).json()["QueryResponse"]["Customer"][0]["Id"] == "2"
    assert [request.status for request in quickbooks.requests][:4] == [503, 200, None, 200]


def test_the_log_of_requests_holds_no_secret(xero: FakeXero) -> None:
    redeem(xero, authorize(xero)["code"])
    tokens = xero.sign_in()
    refresh(xero, tokens["refresh_token"])
    contacts(xero, tokens["access_token"], page=1)
    assert not [secret for secret in (*xero.oauth.issued, CLIENT_SECRET) if secret in repr(xero.requests)]
    assert [request.kind for request in xero.requests] == ["authorize", "token", "token", "page"]


def test_customers_of_a_kind_are_counted_as_far_as_the_vendors_let_anybody(
    quickbooks: FakeQuickBooks, xero: FakeXero
) -> None:
    projects = "select count(*) from Customer where IsProject = true and Active in (true, false)"
    assert query(quickbooks, projects).json()["QueryResponse"] == {"totalCount": 1}
    quickbooks.has_projects = False
    assert query(quickbooks, projects).json()["Fault"]["Error"][0]["code"] == "4001"

    def count(where: str) -> int:
        found: int = contacts(xero, page=1, where=where, includeArchived="true").json()["pagination"]["itemCount"]
        return found

    assert (count("IsSupplier==true"), count("IsCustomer==true")) == (2, 21)
    assert count("IsCustomer==true AND IsSupplier==true") == 0
