"""Scripts of faults for ``quickbooks_mishaps`` and ``xero_mishaps``: what is done to which request."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.fakes.books import Record
from tests.fakes.loopback import Answer
from tests.fakes.provider_server import Fault, Limits
from tests.faults.pulling import World

HTML = "<html><body>Maintenance</body></html>"


def every(kind: str = "page", nth: int = 1, times: float = 1, **what: Any) -> Callable[[World], Sequence[Fault]]:
    """Script one fault."""
    return lambda _: [Fault(kind, nth, times, **what)]


def answered(answer: Answer, nth: int = 2, times: float = 1, kind: str = "page") -> Callable[[World], Sequence[Fault]]:
    """Script that the n-th request is answered otherwise."""
    return every(kind, nth, times, answer=answer)


def limited(problem: str | None, retry_after: str | None) -> Answer:
    """Return Xero's 429."""
    headers = {"X-Rate-Limit-Problem": problem, "Retry-After": retry_after}
    return Answer(429, b"Rate limit exceeded", "text/plain", {k: v for k, v in headers.items() if v is not None})


def in_a_minute() -> str:
    """Return a time for Retry-After."""
    return format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)


def on_second_page(happen: Callable[[Any], object]) -> Callable[[World], Sequence[Fault]]:
    """Script that something happens while the second page is asked for."""
    return lambda world: [Fault("page", 2, before=lambda: happen(world.fake))]


def count_by(difference: int) -> Callable[[Record], None]:
    """Return what makes the provider's own count wrong."""

    def edit(answer: Record) -> None:
        if "pagination" in answer:
            answer["pagination"]["itemCount"] += difference
        else:
            answer["QueryResponse"]["totalCount"] += difference

    return edit


def lacking(nth: int) -> Callable[[Record], None]:
    """Return what leaves a customer out of every page that has it: the n-th of the first page."""
    wanted: list[object] = []

    def edit(answer: Record) -> None:
        found = answer.get("Contacts", answer.get("QueryResponse", {}).get("Customer", []))
        name = "ContactID" if "Contacts" in answer else "Id"
        wanted[:] = wanted or [found[nth][name]]
        found[:] = [one for one in found if one[name] not in wanted]

    return edit


def only_the_first(answer: Record) -> None:
    """Take all customers of a page away but the first."""
    del answer["QueryResponse"]["Customer"][1:]


def fewer_per_page(fake: Any) -> None:
    """Let no page hold more than two."""
    fake.most_per_page = 2


def company_unread(fake: Any) -> None:
    """Let nobody read what the company is."""
    fake.refuses_company = True


def of_few_calls(fake: Any) -> None:
    """Allow five calls a day."""
    fake.limits = Limits(per_minute=10_000, per_day=5)


def on_the_next_day(world: World) -> Sequence[Fault]:
    """The fifth call is the last one of the day; somebody who asks all the same is refused, and the day after is not."""
    return [Fault("page", 6, before=lambda: setattr(world.fake, "limits", None))]


def in_xml(world: World) -> Sequence[Fault]:
    """Have errors come as XML, and the token expire between two pages."""
    world.fake.speaks_xml = True  # type: ignore[union-attr]
    return [Fault("page", 3, before=world.fake.oauth.expire_access_tokens)]


def redirected(world: World) -> Sequence[Fault]:
    """To the same place under another name: a token that followed would be seen there."""
    elsewhere = world.fake.url.replace("127.0.0.1", "localhost")
    return [Fault("page", 2, answer=Answer(302, b"", "text/html", {"Location": f"{elsewhere}/elsewhere"}))]


def token_after_expiry(**what: Any) -> Callable[[World], Sequence[Fault]]:
    """Expire the access token between two pages, and spoil the exchange for a new one."""
    return lambda world: [
        Fault("page", 3, before=world.fake.oauth.expire_access_tokens),
        Fault("token", 1, **what),
    ]


def renewed_elsewhere(world: World) -> Sequence[Fault]:
    """Another process renews the token between two pages: this one has no need to."""

    def renew() -> None:
        expired = world.tokens().access_token()
        world.fake.oauth.expire_access_tokens()
        world.tokens().refresh(expired)

    return [Fault("page", 3, before=renew)]


def lost_grant(world: World) -> Sequence[Fault]:
    """Take the consent back between two pages."""

    def forget() -> None:
        world.fake.oauth.forget_grants()

    return [Fault("page", 2, before=forget)]
