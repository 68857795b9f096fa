"""The peer: a plain, competent SQLAlchemy ORM loop that makes the same checks row by row.

What a good programmer writes first: ``csv.DictReader``, ``phonenumbers``,
``email-validator``, ``pycountry``, a session flushed every thousand rows, look-ups
cached where they repeat, one query a batch for customers that are there already.

    python -m benchmarks.orm_loop customers.csv postgresql+psycopg://…
"""

import csv
import hashlib
import re
import sys
import time
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import phonenumbers
import pycountry
import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from rapidfuzz import process
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from benchmarks.run_report import tell
from schemas.columns import COLUMNS, CUSTOMER_COLUMNS, CUSTOMER_TYPES, TITLES, Kind

_BATCH = 1000
_COMPANY_COUNTRY = "AU"
_DATE = re.compile(r"(\d{4})/(\d{2})/(\d{2})", re.ASCII)
_FIRST_CITIES = {"New South Wales": "Sydney", "Victoria": "Melbourne", "Queensland": "Brisbane"}
_CITY_OF_OTHER_STATES = "Capital"
_TITLE_BY_KEY = {title.casefold(): title for title in TITLES}
_TYPE_BY_KEY = {name.casefold(): name for name in CUSTOMER_TYPES}

Row = dict[str, Any]
Errors = list[dict[str, str]]
Keys = list[tuple[str, str]]


class Base(DeclarativeBase):
    """Tables of the peer; the same columns and indexes as the target's."""


class Customer(Base):
    """One customer with every column of the template."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    import_row: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    keys: Mapped[list["IdentityKey"]] = relationship(back_populates="customer")


for _column in COLUMNS:
    if _column.name in CUSTOMER_COLUMNS:
        setattr(Customer, _column.name, mapped_column(sa.Date() if _column.kind is Kind.DATE else sa.Text()))


class IdentityKey(Base):
    """A normalised e-mail address or number, or the hash of a name and address."""

    __tablename__ = "identity_keys"
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"), index=True)
    customer: Mapped[Customer] = relationship(back_populates="keys")


class FailedRow(Base):
    """A row that was not loaded, with all its reasons."""

    __tablename__ = "failed_rows"
    row: Mapped[int] = mapped_column(primary_key=True)
    errors: Mapped[Any] = mapped_column(sa.JSON)


def import_file(path: Path, url: str) -> dict[str, int]:
    """Load a CSV row by row in one transaction and count what became of its rows."""
    engine = sa.create_engine(url)
    claimed: set[tuple[str, str]] = set()
    counts = {"read": 0, "loaded": 0, "failed": 0}
    with Session(engine, autoflush=False) as session, path.open(encoding="utf-8-sig", newline="") as file:
        batch: list[tuple[int, Row, Errors, Keys]] = []
        for number, cells in enumerate(csv.DictReader(file, strict=True), start=2):
            row, errors = check_row(cells)
            batch.append((number, row, errors, [] if errors else identity_keys(row)))
            if len(batch) == _BATCH:
                _load(session, batch, claimed, counts)
                batch = []
        _load(session, batch, claimed, counts)
        session.commit()
    engine.dispose()
    return counts


def _load(
    session: Session, batch: list[tuple[int, Row, Errors, Keys]], claimed: set[tuple[str, str]], counts: dict[str, int]
) -> None:
    wanted = [key for _, _, _, keys in batch for key in keys]
    query = sa.select(IdentityKey.kind, IdentityKey.value)
    query = query.where(sa.tuple_(IdentityKey.kind, IdentityKey.value).in_(wanted))
    # claimed holds the keys of this file; what else the database has belongs to earlier imports.
    known = {(kind, value) for kind, value in session.execute(query)} - claimed
    for number, row, errors, keys in batch:
        for key in keys:
            if key in claimed:
                errors.append({"column": key[0], "code": "duplicate_in_file"})
            elif key in known:
                errors.append({"column": key[0], "code": "already_exists"})
        counts["read"] += 1
        if errors:
            counts["failed"] += 1
            session.add(FailedRow(row=number, errors=errors))
            continue
        counts["loaded"] += 1
        claimed.update(keys)
        session.add(Customer(import_row=number, keys=[IdentityKey(kind=k, value=v) for k, v in keys], **row))
    session.flush()
    session.expunge_all()


def check_row(cells: dict[str, str]) -> tuple[Row, Errors]:
    """Return the row with normalised values, and every error of it."""
    row: Row = {name: (cells.get(name) or "").strip() or None for name in CUSTOMER_COLUMNS}
    errors: Errors = []

    def fail(column: str, code: str, **more: str) -> None:
        errors.append({"column": column, "code": code, **more})

    for column in COLUMNS:
        value = row.get(column.name)
        if value is not None and len(value) > column.max_length:
            fail(column.name, "too_long")
        if value is not None and "\x00" in value:
            fail(column.name, "unprintable_character")
    _check_sort(row, fail)
    _check_place(row, fail)
    _check_contacts(row, fail)
    if row["date_joined"] is not None:
        row["date_joined"] = _read_date(row["date_joined"])
        if row["date_joined"] is None:
            fail("date_joined", "invalid_date")
    for name in ("first_name", "last_name", "city"):
        if row[name] is None:
            fail(name, "required")
    return row, errors


def _check_sort(row: Row, fail: Any) -> None:  # noqa: ANN401 - a callback with keywords
    if row["customer_title"] is not None:
        row["customer_title"] = _TITLE_BY_KEY.get(row["customer_title"].rstrip(".").casefold())
        if row["customer_title"] is None:
            fail("customer_title", "unknown_title")
    if row["customer_type"] is None:
        row["customer_type"] = "Business" if row["business_name"] else "Personal"
    else:
        row["customer_type"] = _TYPE_BY_KEY.get(row["customer_type"].casefold())
        if row["customer_type"] is None:
            fail("customer_type", "unknown_customer_type")
    if row["customer_type"] == "Business" and row["business_name"] is None:
        fail("business_name", "business_name_missing")


def _check_place(row: Row, fail: Any) -> None:  # noqa: ANN401
    country = _COMPANY_COUNTRY if row["country"] is None else find_country(row["country"])
    if country is None:
        fail("country", "unknown_country")
    row["country"] = country
    if row["state"] is not None and country is not None:
        states = find_states(country)
        found = states.get(row["state"].casefold())
        if found is None:
            fail("state", "unknown_state", suggestion=str(process.extractOne(row["state"], states.values())))
        row["state"] = found
    if row["city"] is None and row["state"] is not None:
        row["city"] = _FIRST_CITIES.get(row["state"], _CITY_OF_OTHER_STATES)


def _check_contacts(row: Row, fail: Any) -> None:  # noqa: ANN401
    for column in COLUMNS:
        value = row.get(column.name)
        if value is None:
            continue
        if column.kind is Kind.EMAIL:
            try:
                row[column.name] = validate_email(value, check_deliverability=False).normalized
            except EmailNotValidError:
                fail(column.name, "invalid_email")
        elif column.kind in {Kind.MOBILE, Kind.PHONE}:
            row[column.name] = _read_phone(value, row["country"] or _COMPANY_COUNTRY)
            if row[column.name] is None:
                fail(column.name, "invalid_phone")


def _read_phone(text: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _read_date(text: str) -> date | None:
    found = _DATE.fullmatch(text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


@cache
def find_country(text: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code of a country's name or code."""
    try:
        return str(pycountry.countries.lookup(text).alpha_2)
    except LookupError:
        return None


@cache
def find_states(country: str) -> dict[str, str]:
    """Return the states of a country, by name and by code in one case."""
    states = [state for state in pycountry.subdivisions if state.country_code == country]
    by_name = {state.name.casefold(): state.name for state in states}
    return by_name | {state.code.partition("-")[2].casefold(): state.name for state in states}


def identity_keys(row: Row) -> Keys:
    """Return the keys that say who a customer is: e-mails and numbers, else name and address."""
    keys: dict[tuple[str, str], None] = {}
    for column in COLUMNS:
        value = row.get(column.name)
        if value is not None and column.kind is Kind.EMAIL:
            keys["email", value.casefold()] = None
        elif value is not None and column.kind in {Kind.MOBILE, Kind.PHONE}:
            keys["phone", value] = None
    if not keys:
        parts: Iterable[str | None] = (
            row[name] for name in ("first_name", "last_name", "unit", "street_address", "city", "state", "country")
        )
        text = "\x1f".join((part or "").casefold() for part in parts)
        keys["name_address", hashlib.sha256(text.encode()).hexdigest()] = None
    return list(keys)


def main() -> None:
    """Import the file given first into the database given second; print counts, seconds and memory."""
    Base.metadata.create_all(sa.create_engine(sys.argv[2]))
    started = time.perf_counter()
    counts = import_file(Path(sys.argv[1]), sys.argv[2])
    stages = {"whole loop": time.perf_counter() - started}
    tell(counts, stages, f"SQLAlchemy {sa.__version__}")


if __name__ == "__main__":
    main()
