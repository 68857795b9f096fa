"""What can go wrong with a pull from QuickBooks, by name; what all of it comes to is in ``pull_mishaps``."""

from schemas.sources import QUICKBOOKS
from tests.fakes.loopback import JSON, as_text
from tests.fakes.provider_server import Fault
from tests.fakes.quickbooks import as_xml, fault, gateway
from tests.faults.enduring import Mishap
from tests.faults.odd_records import first_id, made_older, make_odd, set_odd_times_of_quickbooks
from tests.faults.pull_scripts import (
    HTML,
    answered,
    company_unread,
    count_by,
    every,
    fewer_per_page,
    in_a_minute,
    in_xml,
    lacking,
    lost_grant,
    on_second_page,
    only_the_first,
    token_after_expiry,
)

FIRST_PULL: dict[str, dict[str, Mishap]] = {
    "QuickBooks: limits and breakdowns": {
        "QuickBooks: 429 until a time of the clock, and throttled with 403": Mishap(
            QUICKBOOKS,
            lambda _: [
                Fault("page", 2, answer=gateway(429, 3001, "Throttle", "", Retry_After=in_a_minute())),
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
            QUICKBOOKS, on_second_page(lambda fake: fake.clock.advance(hours=25))
        ),
        "QuickBooks: a new token is refused, too": Mishap(
            QUICKBOOKS, answered(gateway(401, 3200, "AuthenticationFailed", ""), times=2)
        ),
        "QuickBooks: a person without access, with 500": Mishap(
            QUICKBOOKS, answered(fault(120, "AuthorizationFault", status=500), times=2)
        ),
        "QuickBooks: the token endpoint answers 500, and then slowly": Mishap(
            QUICKBOOKS,
            lambda world: [*token_after_expiry(answer=as_text("", 500))(world), Fault("token", 2, pause=0.3)],
        ),
        "QuickBooks: the new token is lost on its way": Mishap(QUICKBOOKS, token_after_expiry(cut="after")),
        "QuickBooks: a page is empty": Mishap(
            QUICKBOOKS, every(nth=2, edit=lambda page: page["QueryResponse"].clear())
        ),
        "QuickBooks: counted one less, twice": Mishap(QUICKBOOKS, every("count", times=2, edit=count_by(-1))),
    },
    "QuickBooks: faults in XML": {
        "QuickBooks: 10000 on 400, in XML and in JSON": Mishap(
            QUICKBOOKS,
            lambda _: [
                Fault("page", 2, answer=as_xml(400, 10000, "An application error has occurred")),
                Fault("page", 3, answer=fault(10000, "An application error", status=400, kind="SystemFault")),
            ],
        ),
        "QuickBooks: it speaks XML when the token expires": Mishap(QUICKBOOKS, in_xml),
        "QuickBooks: a page in XML without a fault": Mishap(
            QUICKBOOKS, answered(as_text("<IntuitResponse/>", 200, "application/xml"))
        ),
        "QuickBooks: throttled with 403 in XML, by number and in words": Mishap(
            QUICKBOOKS,
            lambda _: [
                Fault("page", 1, answer=as_xml(403, 3001, "ThrottleExceeded")),
                Fault(
                    "page", 3, answer=as_xml(403, None, "message=ThrottleExceeded; errorCode=003001; statusCode=403")
                ),
                Fault("count", 1, answer=as_xml(403, None, "ThrottleExceeded")),
            ],
        ),
    },
    "QuickBooks: short pages": {
        "QuickBooks: no page holds more than two": Mishap(QUICKBOOKS, prepare=fewer_per_page),
        "QuickBooks: a page ends where it begins": Mishap(QUICKBOOKS, every(nth=3, edit=only_the_first)),
    },
    "QuickBooks: fewer come than are counted": {
        "QuickBooks: a customer is in no page of two passes": Mishap(
            QUICKBOOKS, lambda _: [Fault("page", times=30, edit=lacking(2))]
        ),
        "QuickBooks: the count has no number": Mishap(
            QUICKBOOKS, every("count", edit=lambda count: count["QueryResponse"].clear())
        ),
    },
    "QuickBooks: what passes looks like the end": {
        "QuickBooks: 120 with 500 seven times, once in XML": Mishap(
            QUICKBOOKS,
            lambda _: [
                Fault("page", 2, times=6, answer=fault(120, "AuthorizationFault", status=500)),
                Fault("page", 8, answer=as_xml(500, 120, "AuthorizationFault", kind="AuthorizationFault")),
            ],
        ),
        "QuickBooks: 401 in XML four times, with good renewals between": Mishap(
            QUICKBOOKS, answered(as_xml(401, 3200, "AuthenticationFailed", kind="AuthenticationFault"), times=4)
        ),
        "QuickBooks: the company may not be read": Mishap(QUICKBOOKS, prepare=company_unread),
    },
    "QuickBooks: limits that are told otherwise": {
        "QuickBooks: 429 that says it is JSON and is none, and 429 of nothing": Mishap(
            QUICKBOOKS,
            lambda _: [
                Fault("page", 2, answer=as_text(HTML, 429, JSON)),
                Fault("page", 3, answer=as_text("", 429)),
            ],
        ),
        "QuickBooks: the calls of the month are used up, those for tokens too": Mishap(
            QUICKBOOKS,
            lambda world: [
                Fault("page", 2, times=6, answer=gateway(429, 3001, "ThrottleExceeded", "")),
                Fault("page", 9, before=world.fake.oauth.expire_access_tokens),
                Fault("token", 1, times=2, answer=as_text("Too Many Requests", 429)),
            ],
        ),
        "QuickBooks: the token endpoint answers 400 with HTML": Mishap(
            QUICKBOOKS, token_after_expiry(answer=as_text(HTML, 400, "text/html"))
        ),
    },
    "QuickBooks: it refuses": {
        "QuickBooks: 404 in plain text": Mishap(QUICKBOOKS, answered(as_text("Not Found", 404)), is_refused=True),
        "QuickBooks: a query that it does not take, in XML": Mishap(
            QUICKBOOKS, answered(as_xml(400, 4000, "Error parsing query", kind="ValidationFault")), is_refused=True
        ),
        "QuickBooks: a validation fault with 200": Mishap(
            QUICKBOOKS, answered(fault(4001, "QueryValidationError", status=200)), is_refused=True
        ),
        "QuickBooks: a token of the sandbox": Mishap(
            QUICKBOOKS, answered(gateway(403, 3100, "ApplicationAuthorizationFailed", "")), is_refused=True
        ),
        "QuickBooks: access is taken back": Mishap(QUICKBOOKS, lost_grant, is_reconnected=True),
    },
    "QuickBooks: the books change meanwhile": {
        "QuickBooks: customers come between two pages": Mishap(QUICKBOOKS, on_second_page(lambda fake: fake.add(12))),
        "QuickBooks: a customer changes after its page was read": Mishap(
            QUICKBOOKS, on_second_page(lambda fake: fake.change(first_id(fake), GivenName="Later")), is_repeated=True
        ),
        "QuickBooks: a customer is merged away between two pages": Mishap(
            QUICKBOOKS, on_second_page(lambda fake: fake.merge("3", "4")), is_repeated=True
        ),
    },
    "QuickBooks: odd records": {
        "QuickBooks: nulls, times that no calendar has, half a surrogate pair, numbers for texts": Mishap(
            QUICKBOOKS, prepare=lambda fake: make_odd(fake, set_odd_times_of_quickbooks)
        ),
    },
}

LATER_PULL: dict[str, dict[str, Mishap]] = {
    "QuickBooks: later": {
        "QuickBooks: made inactive, and the answer is lost": Mishap(
            QUICKBOOKS, every(cut="after"), change=lambda fake: fake.deactivate("2")
        ),
        "QuickBooks: a page shows a customer as it was": Mishap(
            QUICKBOOKS, every(edit=made_older), change=lambda _: None
        ),
        "QuickBooks: fewer come of all than are counted": Mishap(
            QUICKBOOKS, lambda _: [Fault("page", times=30, edit=lacking(2))], change=lambda _: None, is_full=True
        ),
        "QuickBooks: a customer is gone": Mishap(QUICKBOOKS, change=lambda fake: fake.remove("3"), is_full=True),
    },
    "QuickBooks: later, not in full": {
        "QuickBooks: a customer was merged away, and the answers that tell of it are lost, busy and cut": Mishap(
            QUICKBOOKS,
            lambda _: [
                Fault("changes", 1, cut="after"),
                Fault("changes", 2, answer=as_text("busy", 503)),
                Fault("changes", 3, answer=fault(3001, "ThrottleExceeded", status=200)),
                Fault("changes", 4, edit_bytes=lambda body: body[:-30]),
            ],
            change=lambda fake: fake.merge("4", "5"),
        ),
    },
}
