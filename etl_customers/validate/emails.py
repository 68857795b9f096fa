"""Reading e-mail addresses (R11): plain ones by a strict pattern, all others by email-validator.

Whether an address receives mail is not asked: no DNS look-up is ever made.
"""

import email_validator
import polars as pl
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES, EMAIL_MAX_LENGTH, LOCAL_PART_MAX_LENGTH

from etl_customers.validate.scripts import mixes_scripts

_PLAIN_MAX_LENGTH = 63
"""With at most so many characters no part of an address can be too long (a label may have 63)."""

_ATOM = r"[A-Za-z0-9_+'-]+"
_LABEL = r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
_PLAIN = rf"^{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z]{{2,}}$"
"""Plain ASCII: no double hyphen in the domain (Punycode), a top-level domain of letters."""

_RESERVED = rf"\.(?:{'|'.join(email_validator.SPECIAL_USE_DOMAIN_NAMES)})$"


def read_emails(texts: pl.Series) -> pl.DataFrame:
    """Read e-mail addresses: what is well formed is kept, with its domain in lower case.

    Domains that nobody can own are judged by what they are for: ``example.com`` and
    everything under ``.test`` are accepted, because sheets for trying things out use
    them; ``.invalid``, ``.local``, ``.localhost``, ``.onion`` and ``.arpa`` cannot
    receive mail and are refused, as is a domain without a dot.

    Args:
        texts: Text as in the cells, trimmed; null where there is none.

    Returns:
        As many rows, in the same order: ``email`` (text; null where the text was null
        or is not well formed) and ``is_mixed`` (see ``mixes_scripts``).

    Source:
        email-validator is the authority (RFC 5321, 5322, 6531, IDNA 2008): local part
        in Unicode form C, domain in lower case and in Unicode where it was Punycode,
        mailboxes of RFC 2142 (info, sales …) in lower case. docs/rules.md, R11.
    """
    column = pl.DataFrame({"text": texts.cast(pl.String)})
    distinct = column.drop_nulls().unique(maintain_order=True)
    plain = distinct.select(
        "text",
        is_plain=_is_plain(pl.col("text")),
        email=pl.col("text").str.extract("^([^@]*@)", 1)
        + pl.col("text").str.extract("@([^@]*)$", 1).str.to_lowercase(),
    )
    rest = plain.filter(~pl.col("is_plain"))["text"]
    rest_emails = [read_email(text) for text in rest]
    read = pl.concat(
        [
            plain.filter("is_plain").select("text", "email"),
            pl.DataFrame(
                {"text": rest, "email": rest_emails},
                schema={"text": pl.String, "email": pl.String},
            ),
        ]
    )
    return column.join(read, on="text", how="left", maintain_order="left").select(
        "email",
        is_mixed=pl.col("email").is_in([email for email in rest_emails if email is not None and mixes_scripts(email)]),
    )


def read_email(text: str) -> str | None:
    """Read one address by email-validator alone; null where it is not well formed."""
    if len(text) > EMAIL_MAX_LENGTH:
        return None
    try:
        # test_environment admits .test; it also admits the bare domain "test", refused below.
        read = email_validator.validate_email(text, check_deliverability=False, test_environment=True)
    except email_validator.EmailNotValidError:
        return None
    if "." not in read.ascii_domain or len(read.local_part.encode()) > LOCAL_PART_MAX_LENGTH:
        return None
    return read.normalized


def _is_plain(text: pl.Expr) -> pl.Expr:
    """Tell what email-validator is certain to accept and to change in its domain's case only."""
    mailbox = text.str.extract("^([^@]*)@", 1)
    is_lowered_mailbox = mailbox.str.to_lowercase().is_in(CASE_INSENSITIVE_MAILBOX_NAMES) & (
        mailbox != mailbox.str.to_lowercase()
    )
    return (
        (text.str.len_bytes() <= _PLAIN_MAX_LENGTH)
        & text.str.contains(_PLAIN)
        & ~text.str.to_lowercase().str.contains(_RESERVED)
        & ~is_lowered_mailbox
    )
