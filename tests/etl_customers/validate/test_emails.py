"""E-mail addresses: the fast pattern may only accept what email-validator accepts, unchanged."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.validate.emails import read_email, read_emails
from tests.properties import examples

_ALPHABET = "aAbZz09._+-'@@..--xnXN é\"<>()%!#&/\\,;:\tλ中\u0301\u212a\u0130\x00"
_LABELS = st.sampled_from(
    ["a", "A1", "-a", "a-", "a--b", "xn--bcher-kva", "xn--a", "test", "TEST", "example", "com", "Co", "local", "LOCALHOST",
     "invalid", "onion", "arpa", "1", "", "bücher", "info", "x" * 63, "y" * 64]
)  # fmt: skip
_MAILBOXES = st.sampled_from(
    ["ann", "Ann.Lee", "INFO", "info", "Sales", "a..b", ".a", "o'brien", "a+b", '"a b"', "é", ""]
)
_ADDRESSES = st.one_of(
    st.text(_ALPHABET, max_size=30),
    st.text(max_size=30),
    st.tuples(_MAILBOXES, st.lists(_LABELS, max_size=4)).map(lambda parts: parts[0] + "@" + ".".join(parts[1])),
    st.emails(),
)


def _read(*texts: str | None) -> list[str | None]:
    return read_emails(pl.Series(texts, dtype=pl.String))["email"].to_list()


@examples(100, 5_000)
@given(st.lists(_ADDRESSES, max_size=20))
def test_the_fast_pattern_says_what_email_validator_says(addresses: list[str]) -> None:
    assert _read(*addresses) == [read_email(address) for address in addresses]


def test_the_domain_is_lower_cased_and_the_mailbox_kept_as_written() -> None:
    assert _read("Ann.Lee@Example.COM", "o'Brien+x@mail.Example.com") == [
        "Ann.Lee@example.com",
        "o'Brien+x@mail.example.com",
    ]


def test_order_repeats_and_empty_cells_are_kept() -> None:
    assert _read("b@x.org", None, "a@x.org", "nonsense", "b@x.org") == ["b@x.org", None, "a@x.org", None, "b@x.org"]


@pytest.mark.parametrize("address", ["ann@example.com", "ann@shop.test", "ann@bücher.example", "用户@例子.test"])
def test_domains_for_trying_things_out_are_well_formed(address: str) -> None:
    assert _read(address) == [address]


@pytest.mark.parametrize("address", [
    "ann@test", "ann@localhost", "ann@mail.local", "ann@Mail.LOCAL", "ann@x.invalid", "ann@x.onion",
    "ann", "ann@", "@x.org", "ann@x", "ann@@x.org", "ann@x..org", "ann@-x.org", "ann@ab--c.org", "a b@x.org", " ann@x.org",
    "ann@x.org.", "Ann Lee <ann@x.org>", '"ann"@x.org', "ann@[127.0.0.1]", "ann@x.o1", "ann@x.org\n", "ann\x00@x.org", "",
])  # fmt: skip
def test_what_is_not_well_formed_is_null(address: str) -> None:
    assert _read(address) == [None]


def test_punycode_and_unicode_spellings_of_a_domain_are_one() -> None:
    assert _read("ann@xn--bcher-kva.example", "ann@BÜCHER.example") == ["ann@bücher.example"] * 2


def test_very_long_cells_are_refused_quickly() -> None:
    assert _read("a" * 10_000 + "@x.org", "ann@" + "a." * 5_000 + "org", "<" * 10_000) == [None, None, None]


def test_a_column_of_nothing_gives_a_column_of_nothing() -> None:
    assert _read() == []
    assert read_emails(pl.Series([None, None])).schema == {"email": pl.String, "is_mixed": pl.Boolean}
