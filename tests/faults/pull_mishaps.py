"""What can go wrong with a pull, by name: mishaps of the first pull, of a later one, and such as end a pull.

How they are gone through is in ``enduring``.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.fakes.books import Record
from tests.fakes.loopback import Answer, as_text
from tests.fakes.provider_server import Fault
from tests.fakes.quickbooks import fault, gateway
from tests.fakes.xero import problem
from tests.faults.enduring import Mishap
from tests.faults.odd_records import (
    first_id,
    ids_in_order,
    made_older,
    make_odd,
    merge_in_a_chain,
    merge_in_a_circle,
    set_odd_times_of_quickbooks,
    set_odd_times_of_xero,
    use_unknown_words,
)
from tests.faults.pulling import World

QUICKBOOKS, XERO = "quickbooks", "xero"
HTML = "<html><body>Maintenance</body></html>"


def every(kind: str = "page", nth: int = 1, times: float = 1, **what: Any) -> Callable[[World], Sequence[Fault]]:
    """Script one fault."""
    return lambda _: [Fault(kind, nth, times, **what)]


def answered(answer: Answer, nth: int = 2, times: float = 1, kind: str = "page") -> Callable[[World], Sequence[Fault]]:
    """Script that the n-th request is answered otherwise."""
    return every(kind, nth, times, answer=answer)


def _limited(problem: str | None, retry_after: str | None) -> Answer:
    headers = {"X-Rate-Limit-Problem": problem, "Retry-After": retry_after}
    return Answer(429, b"Rate limit exceeded", "text/plain", {k: v for k, v in headers.items() if v is not None})


def _in_a_minute() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)


def _on_second_page(happen: Callable[[Any], object]) -> Callable[[World], Sequence[Fault]]:
    return lambda world: [Fault("page", 2, before=lambda: happen(world.fake))]


def count_by(difference: int) -> Callable[[Record], None]:
    """Return what makes the provider's own count wrong."""

    def edit(answer: Record) -> None:
        if "pagination" in answer:
            answer["pagination"]["itemCount"] += difference
        else:
            answer["QueryResponse"]["totalCount"] += difference

    return edit


def _redirected(world: World) -> Sequence[Fault]:
    """To the same place under another name: a token that followed would be seen there."""
    elsewhere = world.fake.url.replace("127.0.0.1", "localhost")
    return [Fault("page", 2, answer=Answer(302, b"", "text/html", {"Location": f"{elsewhere}/elsewhere"}))]


def _token_after_expiry(**what: Any) -> Callable[[World], Sequence[Fault]]:
    """Expire the access token between two pages, and spoil the exchange for a new one."""
    return lambda world: [
        Fault("page", 3, before=world.fake.oauth.expire_access_tokens),
        Fault("token", 1, **what),
    ]


def _renewed_elsewhere(world: World) -> Sequence[Fault]:
    """Another process renews the token between two pages: this one has no need to."""

    def renew() -> None:
        expired = world.tokens().access_token()
        world.fake.oauth.expire_access_tokens()
        world.tokens().refresh(expired)

    return [Fault("page", 3, before=renew)]


def _lost_grant(world: World) -> Sequence[Fault]:
    def forget() -> None:
        world.fake.oauth.forget_grants()

    return [Fault("page", 2, before=forget)]


FIRST_PULL: dict[str, dict[str, Mishap]] = {
    "QuickBooks: limits and breakdowns": {
        "QuickBooks: 429 until a time of the clock, and throttled with 403": Mishap(
            QUICKBOOKS,
            lambda _: [
                Fault("page", 2, answer=gateway(429, 3001, "Throttle", "", Retry_After=_in_a_minute())),
                Fault("page", 3, answer=gateway(403, 3001, "ThrottleExceeded", "")),
            ],
        ),
        "QuickBooks: Retry-After of a year": Mishap(
            QUICKBOOKS, answered(gateway(429, 3001, "Throttle", "", Retry_After="31536000"))
        ),
        "QuickBooks: 500 seven times": Mishap(QUICKBOOKS, answered(as_text("oops", 500), times=7)),
        "QuickBooks: 500 and 503, and 500 instead of the count": Mishap(
            QUICKBOOKS,
            lambda _: [
                Fault("page", 1, answer=as_text("", 500)),
                Fault("page", 3, answer=as_text("Service Unavailable", 503)),
                Fault("count", 1, answer=as_text("oops", 500)),
            ],
        ),
    },
    "QuickBooks: answers that cannot be read": {
        "QuickBooks: half of a page arrives, and then not even that": Mishap(
            QUICKBOOKS, lambda _: [Fault("page", 2, cut="body"), Fault("page", 3, cut="before")]
        ),
        "QuickBooks: JSON ends too early": Mishap(QUICKBOOKS, every(nth=2, edit_bytes=lambda body: body[:-100])),
        "QuickBooks: HTML with 200": Mishap(QUICKBOOKS, answered(as_text(HTML, 200, "text/html"))),
        "QuickBooks: a page says that it is plain text": Mishap(
            QUICKBOOKS, every(nth=2, headers={"Content-Type": "text/plain"})
        ),
        "QuickBooks: a page comes twice": Mishap(QUICKBOOKS, every(nth=2, replay=True)),
        "QuickBooks: an empty body, and HTML that says it is JSON": Mishap(
            QUICKBOOKS,
            lambda _: [
                Fault("page", 2, answer=as_text("", 200, "application/json")),
                Fault("count", 1, answer=as_text(HTML, 200, "application/json")),
            ],
        ),
    },
    "QuickBooks: tokens and counts": {
        "QuickBooks: throttled, not authenticated and broken down, with 200 each": Mishap(
            QUICKBOOKS,
            lambda _: [
                Fault("page", 2, answer=fault(3001, "ThrottleExceeded", status=200)),
                Fault("page", 3, answer=fault(3200, "AuthenticationFailed", status=200, kind="AuthenticationFault")),
                Fault(
                    "page", 5, answer=fault(10000, "An application error has occurred", status=200, kind="SystemFault")
                ),
            ],
        ),
        "QuickBooks: the token expires between two pages, and is told": Mishap(
            QUICKBOOKS, lambda world: [Fault("page", 3, before=world.fake.oauth.expire_access_tokens)]
        ),
        "QuickBooks: a day passes and the refresh token changes": Mishap(
            QUICKBOOKS, _on_second_page(lambda fake: fake.clock.advance(hours=25))
        ),
        "QuickBooks: a new token is refused, too": Mishap(
            QUICKBOOKS, answered(gateway(401, 3200, "AuthenticationFailed", ""), times=2)
        ),
        "QuickBooks: a person without access, with 500": Mishap(
            QUICKBOOKS, answered(fault(120, "AuthorizationFault", status=500), times=2)
        ),
        "QuickBooks: the token endpoint answers 500, and then slowly": Mishap(
            QUICKBOOKS,
            lambda world: [*_token_after_expiry(answer=as_text("", 500))(world), Fault("token", 2, pause=0.3)],
        ),
        "QuickBooks: the new token is lost on its way": Mishap(QUICKBOOKS, _token_after_expiry(cut="after")),
        "QuickBooks: a page is empty": Mishap(
            QUICKBOOKS, every(nth=2, edit=lambda page: page["QueryResponse"].clear())
        ),
        "QuickBooks: counted one less, twice": Mishap(QUICKBOOKS, every("count", times=2, edit=count_by(-1))),
    },
    "QuickBooks: it refuses": {
        "QuickBooks: a validation fault with 200": Mishap(
            QUICKBOOKS, answered(fault(4001, "QueryValidationError", status=200)), is_refused=True
        ),
        "QuickBooks: a token of the sandbox": Mishap(
            QUICKBOOKS, answered(gateway(403, 3100, "ApplicationAuthorizationFailed", "")), is_refused=True
        ),
        "QuickBooks: access is taken back": Mishap(QUICKBOOKS, _lost_grant, is_reconnected=True),
    },
    "QuickBooks: the books change meanwhile": {
        "QuickBooks: customers come between two pages": Mishap(QUICKBOOKS, _on_second_page(lambda fake: fake.add(12))),
        "QuickBooks: a customer changes after its page was read": Mishap(
            QUICKBOOKS, _on_second_page(lambda fake: fake.change(first_id(fake), GivenName="Later")), is_repeated=True
        ),
        "QuickBooks: a customer is merged away between two pages": Mishap(
            QUICKBOOKS, _on_second_page(lambda fake: fake.merge("3", "4")), is_repeated=True
        ),
    },
    "QuickBooks: odd records": {
        "QuickBooks: nulls, times that no calendar has, half a surrogate pair, numbers for texts": Mishap(
            QUICKBOOKS, prepare=lambda fake: make_odd(fake, set_odd_times_of_quickbooks)
        ),
    },
    "Xero: limits and breakdowns": {
        "Xero: 429 of the minute, of calls at once, and without a readable time": Mishap(
            XERO,
            lambda _: [
                Fault("page", 2, answer=_limited("minute", "37")),
                Fault("page", 3, answer=_limited("concurrent", None)),
                Fault("page", 5, answer=_limited("minute", "soon")),
            ],
        ),
        "Xero: 502 with HTML, and 504": Mishap(
            XERO,
            lambda _: [
                Fault("page", 2, answer=as_text(HTML, 502, "text/html")),
                Fault("page", 3, answer=as_text("", 504)),
            ],
        ),
        "Xero: 429 of the day, resumed": Mishap(XERO, answered(_limited("day", "43200"))),
        "Xero: the last call of the day": Mishap(XERO, every(headers={"X-DayLimit-Remaining": "0"})),
        "Xero: the connection breaks before the answer": Mishap(XERO, every(nth=2, cut="after", times=2)),
    },
    "Xero: tokens": {
        "Xero: the token expires between two pages": Mishap(
            XERO, lambda world: [Fault("page", 3, before=world.fake.oauth.expire_access_tokens)]
        ),
        "Xero: another process renews the token meanwhile": Mishap(XERO, _renewed_elsewhere),
        "Xero: the new token is lost on its way, the refresh token has changed": Mishap(
            XERO, _token_after_expiry(cut="after")
        ),
        "Xero: the token endpoint is not reached, and then has too many calls": Mishap(
            XERO,
            lambda world: [*_token_after_expiry(cut="before")(world), Fault("token", 2, answer=_limited(None, "1"))],
        ),
        "Xero: redirected to another host": Mishap(XERO, _redirected),
    },
    "Xero: pages and counts": {
        "Xero: always the first page": Mishap(XERO, every(nth=2, times=3, replay=True)),
        "Xero: counted one more": Mishap(XERO, every(nth=3, edit=count_by(1))),
    },
    "Xero: it refuses": {
        "Xero: 404 in plain text": Mishap(
            XERO, answered(as_text("The resource cannot be found", 404)), is_refused=True
        ),
        "Xero: the organisation counts as disconnected for a moment": Mishap(
            XERO, answered(problem(403, "Forbidden", "AuthenticationUnsuccessful"), times=2)
        ),
    },
    "Xero: the books change meanwhile": {
        "Xero: contacts come between two pages": Mishap(
            XERO, _on_second_page(lambda fake: fake.add(12)), is_repeated=True
        ),
        "Xero: a contact changes after its page was read": Mishap(
            XERO,
            _on_second_page(lambda fake: fake.change(ids_in_order(fake)[0], EmailAddress="l@example.net")),
            is_repeated=True,
        ),
        "Xero: a contact is taken away between two pages": Mishap(
            XERO, _on_second_page(lambda fake: fake.remove(ids_in_order(fake)[0])), is_repeated=True
        ),
    },
    "Xero: odd records": {
        "Xero: nulls, dates before 1970, half a surrogate pair, numbers for texts": Mishap(
            XERO, prepare=lambda fake: make_odd(fake, set_odd_times_of_xero)
        ),
        "Xero: words and fields that are not in the specification": Mishap(XERO, prepare=use_unknown_words),
    },
}
"""By what they have in common; those that stand together befall one pull, one after the other."""

LATER_PULL: dict[str, dict[str, Mishap]] = {
    "QuickBooks: later": {
        "QuickBooks: made inactive, and the answer is lost": Mishap(
            QUICKBOOKS, every(cut="after"), change=lambda fake: fake.deactivate("2")
        ),
        "QuickBooks: a page shows a customer as it was": Mishap(
            QUICKBOOKS, every(edit=made_older), change=lambda _: None
        ),
        "QuickBooks: a customer is gone": Mishap(QUICKBOOKS, change=lambda fake: fake.remove("3"), is_full=True),
    },
    "Xero: later": {
        "Xero: archived, and the token has expired": Mishap(
            XERO, change=lambda fake: (fake.deactivate(list(fake.records)[17]), fake.clock.advance(hours=1))
        ),
        "Xero: merged into one that was merged itself": Mishap(XERO, change=merge_in_a_chain),
        "Xero: merged in a circle": Mishap(XERO, change=merge_in_a_circle),
        "Xero: a contact is to be forgotten": Mishap(
            XERO, change=lambda fake: fake.change(list(fake.records)[16], ContactStatus="GDPRREQUEST")
        ),
        "Xero: a supplier buys for the first time, which moves no time": Mishap(
            XERO, change=lambda fake: fake.change(list(fake.records)[3], IsCustomer=True), is_full=True
        ),
    },
}
