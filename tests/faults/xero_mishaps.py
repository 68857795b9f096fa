"""What can go wrong with a pull from Xero, by name; what all of it comes to is in ``pull_mishaps``."""

from schemas.sources import XERO
from tests.fakes.loopback import JSON, as_text
from tests.fakes.provider_server import Fault
from tests.fakes.xero import as_xml, problem
from tests.faults.enduring import Mishap
from tests.faults.odd_records import (
    ids_in_order,
    make_odd,
    merge_in_a_chain,
    merge_in_a_circle,
    set_odd_times_of_xero,
    use_unknown_words,
)
from tests.faults.pull_scripts import (
    HTML,
    answered,
    company_unread,
    count_by,
    every,
    fewer_per_page,
    lacking,
    limited,
    lost_grant,
    of_few_calls,
    on_second_page,
    on_the_next_day,
    redirected,
    renewed_elsewhere,
    token_after_expiry,
)

FIRST_PULL: dict[str, dict[str, Mishap]] = {
    "Xero: limits and breakdowns": {
        "Xero: 429 of the minute, of calls at once, and without a readable time": Mishap(
            XERO,
            lambda _: [
                Fault("page", 2, answer=limited("minute", "37")),
                Fault("page", 3, answer=limited("concurrent", None)),
                Fault("page", 5, answer=limited("minute", "soon")),
            ],
        ),
        "Xero: 502 with HTML, and 504": Mishap(
            XERO,
            lambda _: [
                Fault("page", 2, answer=as_text(HTML, 502, "text/html")),
                Fault("page", 3, answer=as_text("", 504)),
            ],
        ),
        "Xero: 429 of the day, resumed": Mishap(XERO, answered(limited("day", "43200"))),
        "Xero: the last call of the day": Mishap(XERO, every(headers={"X-DayLimit-Remaining": "0"})),
        "Xero: the connection breaks before the answer": Mishap(XERO, every(nth=2, cut="after", times=2)),
    },
    "Xero: tokens": {
        "Xero: the token expires between two pages": Mishap(
            XERO, lambda world: [Fault("page", 3, before=world.fake.oauth.expire_access_tokens)]
        ),
        "Xero: another process renews the token meanwhile": Mishap(XERO, renewed_elsewhere),
        "Xero: the new token is lost on its way, the refresh token has changed": Mishap(
            XERO, token_after_expiry(cut="after")
        ),
        "Xero: the token endpoint is not reached, and then has too many calls": Mishap(
            XERO,
            lambda world: [*token_after_expiry(cut="before")(world), Fault("token", 2, answer=limited(None, "1"))],
        ),
        "Xero: redirected to another host": Mishap(XERO, redirected),
    },
    "Xero: pages and counts": {
        "Xero: always the first page": Mishap(XERO, every(nth=2, times=3, replay=True)),
        "Xero: counted one more": Mishap(XERO, every(nth=3, edit=count_by(1))),
    },
    "Xero: short pages": {
        "Xero: no page holds more than two": Mishap(XERO, prepare=fewer_per_page),
        "Xero: a contact is in no page of two passes": Mishap(
            XERO, lambda _: [Fault("page", times=30, edit=lacking(2))]
        ),
        "Xero: a page without its counts": Mishap(
            XERO, every(nth=3, edit=lambda page: page.pop("pagination") and None)
        ),
    },
    "Xero: what passes looks like the end": {
        "Xero: 401 four times, with good renewals between": Mishap(
            XERO, answered(problem(401, "Unauthorized", "TokenExpired: token expired"), times=4)
        ),
        "Xero: the organisation may not be read": Mishap(XERO, prepare=company_unread),
        "Xero: the token endpoint answers 400 with HTML": Mishap(
            XERO, token_after_expiry(answer=as_text(HTML, 400, "text/html"))
        ),
    },
    "Xero: limits that are told otherwise": {
        "Xero: 500 in XML, and 429 that says it is JSON and is none": Mishap(
            XERO,
            lambda _: [
                Fault("page", 2, answer=as_xml(500, 17, "InternalErrorException", "An error occurred")),
                Fault("page", 4, answer=as_text("Rate limit exceeded", 429, JSON)),
            ],
        ),
    },
    "Xero: the end of a day": {
        "Xero: the calls of the day are used up, and somebody asks all the same": Mishap(
            XERO, on_the_next_day, prepare=of_few_calls
        ),
    },
    "Xero: it refuses": {
        "Xero: a validation error in XML": Mishap(
            XERO, answered(as_xml(400, 10, "ValidationException", "A validation exception")), is_refused=True
        ),
        "Xero: access is taken back": Mishap(XERO, lost_grant, is_reconnected=True),
        "Xero: 404 in plain text": Mishap(
            XERO, answered(as_text("The resource cannot be found", 404)), is_refused=True
        ),
        "Xero: the organisation counts as disconnected for a moment": Mishap(
            XERO, answered(problem(403, "Forbidden", "AuthenticationUnsuccessful"), times=2)
        ),
    },
    "Xero: the books change meanwhile": {
        "Xero: contacts come between two pages": Mishap(
            XERO, on_second_page(lambda fake: fake.add(12)), is_repeated=True
        ),
        "Xero: a contact changes after its page was read": Mishap(
            XERO,
            on_second_page(lambda fake: fake.change(ids_in_order(fake)[0], EmailAddress="l@example.net")),
            is_repeated=True,
        ),
        "Xero: a contact is taken away between two pages": Mishap(
            XERO, on_second_page(lambda fake: fake.remove(ids_in_order(fake)[0])), is_repeated=True
        ),
    },
    "Xero: odd records": {
        "Xero: nulls, dates before 1970, half a surrogate pair, numbers for texts": Mishap(
            XERO, prepare=lambda fake: make_odd(fake, set_odd_times_of_xero)
        ),
        "Xero: words and fields that are not in the specification": Mishap(XERO, prepare=use_unknown_words),
    },
}

LATER_PULL: dict[str, dict[str, Mishap]] = {
    "Xero: short pages later": {
        "Xero: fewer come of all than are counted": Mishap(
            XERO, lambda _: [Fault("page", times=30, edit=lacking(2))], change=lambda _: None, is_full=True
        ),
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
