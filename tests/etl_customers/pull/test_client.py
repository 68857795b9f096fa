"""One connection's HTTP: what is tried again and what is not, how long it waits, and what it never says."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from etl_customers.base.errors import ProviderUnavailable
from etl_customers.mappings.kept import shipped_mapping
from etl_customers.pull import quickbooks as quickbooks_pages
from etl_customers.pull import xero as xero_pages
from etl_customers.pull.client import Client, RequestRefused
from etl_customers.pull.pages import Page
from tests.etl_customers.pull.connected import NOON, Fake, HastyClock, SignedIn, client_of
from tests.fakes.loopback import Answer, as_json, as_text
from tests.fakes.provider_server import Fault, running
from tests.fakes.quickbooks import FakeQuickBooks, as_xml, fault, gateway
from tests.fakes.xero import FakeXero, invalid, problem

HTML = "<html><body>down for maintenance</body></html>"


def first_page(client: Client) -> Page:
    """Ask for the first page, as pulls do."""
    read_pages = {"quickbooks": quickbooks_pages.read_pages, "xero": xero_pages.read_pages}[client.provider]
    return next(read_pages(client, None, 100, None, shipped_mapping(client.provider).read))


@pytest.mark.parametrize(
    "mishap",
    [
        Fault(answer=as_text("try later", 500)),
        Fault(answer=as_text(HTML, 502, "text/html")),
        Fault(answer=as_text("Service Unavailable", 503)),
        Fault(answer=as_text("", 504)),
        Fault(answer=as_text("Rate limit exceeded", 429)),
        Fault(answer=as_text("Rate limit exceeded", 429, Retry_After="3", X_Rate_Limit_Problem="minute")),
        Fault(cut="before"),
        Fault(cut="after"),
        Fault(cut="body"),
        Fault(edit_bytes=lambda body: body[:-20]),
        Fault(edit_bytes=lambda _: b""),
    ],
    ids="500 502 503 504 429 429-minute cut-before cut-after cut-body json-ends-early empty-body".split(),
)
def test_what_may_pass_is_tried_again(fake: Fake, mishap: Fault) -> None:
    fake.add(3)
    mishap.times, mishap.seen = 2, 0
    fake.fail(mishap)
    clock = HastyClock()
    with client_of(fake, clock) as client:
        assert len(first_page(client).records) == 3
    assert fake.count("page") == 3
    assert len(clock.long_waits) == 2


@pytest.mark.parametrize("code", [3001, 10000])
def test_a_fault_of_quickbooks_that_may_pass_is_tried_again_on_any_status(
    quickbooks: FakeQuickBooks, code: int
) -> None:
    quickbooks.add(3)
    quickbooks.fail(
        Fault(answer=fault(code, "SystemFault", status=200)), Fault(nth=2, answer=gateway(403, code, "", ""))
    )
    with client_of(quickbooks) as client:
        assert len(first_page(client).records) == 3


@pytest.mark.parametrize(
    "answer",
    [
        as_xml(403, 3001, "message=ThrottleExceeded; errorCode=003001; statusCode=403"),
        as_xml(403, None, "message=ThrottleExceeded; errorCode=003001; statusCode=403"),
        as_xml(403, None, "ThrottleExceeded"),
        as_json({"fault": {"error": [{"message": "message=ThrottleExceeded; errorCode=003001", "code": None}]}}, 403),
        as_xml(400, 10000, "An application error has occurred"),
        as_xml(200, 10000, "An application error has occurred"),
        as_xml(403, 3200, "AuthenticationFailed"),
        fault(10000, "An application error has occurred", status=400),
        fault(3001, "ThrottleExceeded", status=403),
    ],
)
def test_a_fault_is_read_in_xml_and_json_alike(quickbooks: FakeQuickBooks, answer: Answer) -> None:
    quickbooks.add(3)
    quickbooks.fail(Fault(answer=answer))
    with client_of(quickbooks) as client:
        assert len(first_page(client).records) == 3


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "3001">]><Fault><Error code="3001"><Message>&b;</Message></Error></Fault>'


@pytest.mark.parametrize("text", [BOMB, "<?xml", "<Fault><Error code='3001'>", f"<Fault>{' ' * 70_000}</Fault>"])
def test_xml_that_is_no_fault_leaves_the_word_to_the_status(quickbooks: FakeQuickBooks, text: str) -> None:
    quickbooks.fail(Fault(answer=as_text(text, 403, "text/xml")))
    with client_of(quickbooks) as client, pytest.raises(RequestRefused, match=r"\(status 403, request"):
        first_page(client)


def test_after_six_failures_it_is_given_up_for_now_and_the_request_is_named(fake: Fake) -> None:
    fake.fail(
        Fault(answer=as_text(HTML, 503), times=100, headers={"intuit_tid": "1-abc", "Xero-Correlation-Id": "1-abc"})
    )
    clock = HastyClock()
    with client_of(fake, clock) as client, pytest.raises(ProviderUnavailable, match=r"status 503, request 1-abc"):
        first_page(client)
    assert fake.count("page") == 6
    waits = clock.long_waits
    assert [wait >= 2**n for n, wait in enumerate(waits)] == [True] * 5
    assert sum(waits) < 60


@pytest.mark.parametrize(
    "answer",
    [
        as_text(HTML, 200, "text/html"),
        as_text('{"QueryResponse": {}, "Contacts": []}', 200, "text/plain"),
        as_json([]),
        as_json({"Status": "OK"}),
        as_json({"QueryResponse": {"Customer": {"Id": "1"}}, "Contacts": {"ContactID": "1"}}),
        as_json({"QueryResponse": None, "Contacts": None}),
        as_text("", 501),
        as_text("", 302, Location="http://127.0.0.1:9/"),
        as_text("", 302, Location="http://["),
        as_text("", 429, Date="Mon, 01 Jan 1900 00:00:00 GMT", Retry_After="Fri, 31 Dec 9999 23:59:59 GMT"),
    ],
    ids="html text list other-object no-list null 501 redirect redirect-nowhere millennia".split(),
)
def test_an_answer_that_is_none_is_not_asked_for_again_at_once(fake: Fake, answer: Answer) -> None:
    fake.fail(Fault(answer=answer))
    with client_of(fake) as client, pytest.raises(ProviderUnavailable, match="try again later"):
        first_page(client)
    assert len(fake.requests) == 1


def test_a_redirect_is_not_followed_so_that_the_token_reaches_nobody_else(fake: Fake) -> None:
    with running(FakeQuickBooks()) as other:
        fake.fail(Fault(answer=as_text("", 307, Location=f"{other.url}/v3/company/1/query")))
        with client_of(fake) as client, pytest.raises(ProviderUnavailable):
            first_page(client)
        assert other.requests == []


REFUSALS = {
    "sandbox": (gateway(403, 3100, "ApplicationAuthorizationFailed", ""), "wrong_environment", "error 3100"),
    "subscription": (fault(6190, "Subscription ended", status=400), "no_subscription", "error 6190"),
    "subscription-on-200": (fault(6190, "Subscription ended", status=200), "no_subscription", "error 6190"),
    "query": (fault(4000, "Error parsing query", "near Amy", status=400), "invalid_request", "status 400, error 4000"),
    "query-on-200": (fault(4001, "Error", status=200), "invalid_request", "error 4001"),
    "processing": (fault(4002, "Error processing query", "Amy", status=400), "query_failed", "error 4002"),
    "query-in-xml": (
        as_xml(400, 4000, "Error parsing query", "near Amy", "ValidationFault"),
        "invalid_request",
        "status 400, error 4000",
    ),
    "sandbox-in-xml": (as_xml(403, 3100, "ApplicationAuthorizationFailed"), "wrong_environment", "error 3100"),
    "subscription-in-xml": (as_xml(200, 6190, "Subscription ended"), "no_subscription", "error 6190"),
    "xero-in-xml": (
        as_text("<ApiException><ErrorNumber>10</ErrorNumber><Message>Amy</Message></ApiException>", 400, "text/xml"),
        "invalid_request",
        "status 400, error 10",
    ),
    "no-number": (as_json({"Fault": {"Error": []}}), "invalid_request", "an error without a number"),
    "no-list": (as_json({"fault": "broken"}), "invalid_request", "an error without a number"),
    "xero-validation": (invalid("The page cannot be taken"), "invalid_request", "status 400, error 10"),
    "scopes": (problem(403, "Forbidden", "AuthorizationUnsuccessful"), "forbidden", "status 403"),
    "not-found": (as_text("The resource cannot be found", 404), "not_found", "status 404"),
    "gone": (as_text("", 410), "invalid_request", "status 410"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_would_be_refused_for_ever_is_refused_with_its_number_and_what_to_do(
    quickbooks: FakeQuickBooks, name: str
) -> None:
    answer, code, reason = REFUSALS[name]
    quickbooks.fail(Fault(answer=answer))
    with client_of(quickbooks) as client, pytest.raises(RequestRefused) as refused:
        first_page(client)
    assert refused.value.code == code
    assert f"({reason}, request 1-" in str(refused.value)
    assert quickbooks.tenant in str(refused.value)
    assert "Amy" not in str(refused.value)
    assert len(quickbooks.requests) == 1


@pytest.mark.parametrize("on_200", [False, True])
def test_a_rejected_token_is_renewed_once_and_the_request_repeated(fake: Fake, on_200: bool) -> None:
    fake.add(3)
    if on_200:
        fake.fail(Fault(answer=fault(3200, "AuthenticationFailed", status=200)))
    tokens = SignedIn(fake)
    if not on_200 or isinstance(fake, FakeXero):
        fake.mend()
        fake.clock.advance(hours=2)
    with client_of(fake, tokens=tokens) as client:
        assert len(first_page(client).records) == 3
    assert len(tokens.tokens) == 2


def rejected(fake: Fake) -> list[Answer]:
    """Return the answers that say in each way that a token, or who gave it, is not accepted."""
    if isinstance(fake, FakeXero):
        return [problem(401, "", ""), problem(403, "Forbidden", "AuthenticationUnsuccessful")]
    answers = [gateway(401, 3200, "", "Token expired"), gateway(401, 120, "", ""), gateway(403, 120, "", "")]
    return [*answers, fault(120, "AuthorizationFault", status=200)]


def test_a_token_that_is_rejected_even_when_new_ends_for_now_and_is_noted(fake: Fake) -> None:
    for answer in rejected(fake):
        fake.fail(Fault(answer=answer, times=2))
        asked, tokens = fake.count("page"), SignedIn(fake)
        with client_of(fake, tokens=tokens) as client, pytest.raises(ProviderUnavailable):
            first_page(client)
        assert (fake.count("page") - asked, tokens.rejections) == (2, 1)


def test_a_rejection_that_a_new_token_ends_is_no_trouble(fake: Fake) -> None:
    fake.add(3)
    for answer in rejected(fake):
        fake.fail(Fault(answer=answer))
        tokens = SignedIn(fake)
        with client_of(fake, tokens=tokens) as client:
            assert len(first_page(client).records) == 3
        assert (len(tokens.tokens), tokens.rejections) == (2, 0)


@pytest.mark.parametrize("code", [120, 3100, 3200, 4000, 6190, 610])
@pytest.mark.parametrize("status", [500, 503, 524, 429])
def test_the_status_decides_before_the_number(quickbooks: FakeQuickBooks, status: int, code: int) -> None:
    quickbooks.add(3)
    quickbooks.fail(
        Fault(answer=fault(code, "Fault", status=status)), Fault(nth=2, answer=gateway(status, code, "", ""))
    )
    tokens = SignedIn(quickbooks)
    with client_of(quickbooks, tokens=tokens) as client:
        assert len(first_page(client).records) == 3
    assert (quickbooks.count("page"), len(tokens.tokens)) == (3, 1)


def test_it_waits_as_long_as_it_is_asked_to_in_seconds_or_until_a_date(fake: Fake) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=80), usegmt=True)
    fake.fail(
        Fault(answer=as_text("", 503, Retry_After="40")),
        Fault(nth=2, answer=as_text("", 429, Retry_After=soon)),
        Fault(nth=3, answer=as_text("", 503, Retry_After="Sun, 22 Nov 2020 12:00:00 GMT")),
        Fault(nth=4, answer=as_text("", 429, Retry_After="soon")),
    )
    clock = HastyClock()
    with client_of(fake, clock) as client:
        first_page(client)
    first, second, fourth = [wait for wait in clock.waits if wait > 20]
    assert 40 <= first < 41
    assert 60 < second < 82, "by the server's own clock"
    assert 60 <= fourth < 70, "what cannot be read is a limit of the minute"


@pytest.mark.parametrize("status", [429, 503])
def test_a_longer_wait_is_left_to_a_later_run_which_is_told_when(fake: Fake, status: int) -> None:
    fake.fail(Fault(answer=as_text("", status, Retry_After="7200")))
    clock = HastyClock()
    with (
        client_of(fake, clock) as client,
        pytest.raises(ProviderUnavailable, match="continue after 2026-11-22T14:00:00Z"),
    ):
        first_page(client)
    assert clock.long_waits == []


def test_the_limit_of_the_day_is_left_to_another_day(xero: FakeXero) -> None:
    xero.fail(
        Fault(answer=as_text("", 429, Retry_After="30", X_Rate_Limit_Problem="day")),
        Fault(nth=2, answer=as_text("", 429, X_DayLimit_Remaining="0")),
    )
    with client_of(xero) as client:
        with pytest.raises(
            ProviderUnavailable, match=r"daily limit of calls is used up; continue after 2026-11-22T12:00:30Z"
        ):
            first_page(client)
        with pytest.raises(ProviderUnavailable, match=r"daily limit of calls is used up; continue within 24 hours"):
            first_page(client)
    assert len(xero.requests) == 2


def test_the_last_call_of_the_day_is_used_and_no_other_is_sent(xero: FakeXero) -> None:
    xero.add(3)
    xero.fail(Fault(headers={"X-DayLimit-Remaining": "0"}))
    with client_of(xero) as client:
        assert len(first_page(client).records) == 3
        with pytest.raises(ProviderUnavailable, match="daily limit of calls is used up"):
            first_page(client)
    assert len(xero.requests) == 1


def test_a_try_ends_at_its_deadline_instead_of_waiting_past_it(fake: Fake) -> None:
    fake.fail(Fault(answer=as_text("", 503, Retry_After="50"), times=100))
    clock = HastyClock()
    with client_of(fake, clock, deadline_minutes=2) as client, pytest.raises(ProviderUnavailable, match="2 minutes"):
        first_page(client)
    assert timedelta(seconds=100) <= clock.utc_now() - NOON <= timedelta(seconds=120)


def test_a_provider_that_cannot_be_reached_is_tried_six_times() -> None:
    with running(FakeXero()) as gone:
        tokens = SignedIn(gone)
        settings = gone.settings()
    clock = HastyClock()
    with (
        client_of(gone, clock, tokens, **settings) as client,
        pytest.raises(ProviderUnavailable, match="the connection cannot be made, or broke off"),
    ):
        first_page(client)
    assert len(clock.long_waits) == 5


def test_each_answer_is_one_line_of_log_without_token_or_customer(fake: Fake, caplog: pytest.LogCaptureFixture) -> None:
    fake.add(3)
    tokens = SignedIn(fake)
    fake.fail(
        Fault(answer=gateway(401, 3200, "", f"Token expired: {tokens.access_token()}")),
        Fault(nth=2, cut="body"),
        Fault(nth=3, headers={"intuit_tid": "1-abc", "Xero-Correlation-Id": "1-abc"}),
    )
    with caplog.at_level(logging.DEBUG, "etl_customers"), client_of(fake, tokens=tokens) as client:
        page = first_page(client)
    lines = [record.getMessage() for record in caplog.records if record.name == "etl_customers.pull"]
    assert len(lines) == 3
    assert "status 401" in lines[0]
    assert "broke off" in lines[1]
    assert "status 200, request 1-abc" in lines[2]
    assert lines[2].endswith(" 3 records")
    assert not any(secret in caplog.text for secret in (*tokens.tokens, "customer.0@"))
    assert "customer.0@" in page.records[0].text


def test_a_netrc_file_does_not_take_the_place_of_the_token(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    fake.add(3)
    with client_of(fake) as client:
        assert len(first_page(client).records) == 3
    assert len(fake.requests) == 1
