"""Customers by the million, the same for the same seed; and what can be wrong with them.

Row ``i`` is a pure function of the seed and ``i``: nothing is kept in memory, and a
duplicate can repeat any earlier row. Names and numbers are made up.

    python -m benchmarks.generate 100000 > customers.csv
"""

import argparse
import csv
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO, TextIO

from benchmarks.countries import COUNTRIES
from schemas.columns import COLUMNS

HEADER: tuple[str, ...] = tuple(column.name for column in COLUMNS)
Row = dict[str, str]

_FIRST = "Olivia Jack Ruby Liam Zoë Noah Amelia Isla José William Harper Ethan Aroha Mason Léa Priya Søren Mia".split()
_LAST = (
    "Nguyen O'Brien Whitlam Fraser Müller Taylor Chen Gordon García Kelly Lindqvist Ramirez Ngata Weiß Petit".split()
)
_STREETS = "Wattle Harbour Coral Smith Church Station High King Queen Victoria Park Mill".split()
_TITLES = ("", "Ms", "Mr", "Mrs", "Dr", "Miss", "mr.")
_MASK = 2**64 - 1
_SAID_EVERY = 1_000_000


@dataclass(frozen=True)
class Mix:
    """What a generated file is made of; shares are of all rows, from 0 to 1."""

    seed: int = 1
    bad: float = 0.02
    """Rows with one mistake, every kind of ``MISTAKES`` in turn."""
    duplicates: float = 0.02
    """Rows that repeat an earlier row, every kind of ``REPETITIONS`` in turn."""
    passwords: float = 0.0
    countries: Mapping[str, int] = field(default_factory=lambda: {"AU": 1})
    """Country code to weight."""


def generate_rows(count: int, mix: Mix | None = None, start: int = 0) -> Iterator[list[str]]:
    """Yield ``count`` rows, from row ``start`` on, of text cells in the order of ``HEADER``.

    A row is of one sort only: plain, with one mistake, or a repetition of an earlier
    row, which itself may have a mistake (then the repetition is the first valid one).
    """
    mix = mix or Mix()
    for index in range(start, start + count):
        chance = _hash(mix.seed, index, 1) / 2**64
        if chance < mix.bad:
            row = _plain(index, mix)
            MISTAKES[_hash(mix.seed, index, 2) % len(MISTAKES)](row)
        elif chance < mix.bad + mix.duplicates and index:
            row = _repetition(index, mix)
        else:
            row = _plain(index, mix)
        yield [row.get(name, "") for name in HEADER]


def write_rows(file: TextIO, count: int, mix: Mix | None = None, start: int = 0) -> None:
    """Write a CSV of a header and ``count`` rows, CRLF as RFC 4180 has it."""
    writer = csv.writer(file)
    writer.writerow(HEADER)
    writer.writerows(generate_rows(count, mix, start))


def write_file(
    path: Path,
    count: int,
    mix: Mix | None = None,
    start: int = 0,
    say: Callable[[str], None] | None = None,
    part: int = 250_000,
) -> Path:
    """Write the CSV to a file in UTF-8 and return its path; a large one is made by all cores, part by part.

    Args:
        path: The file; parts are made beside it.
        count: Number of rows.
        mix: What they are made of.
        start: Index of the first row.
        say: Told after every million how far it is.
        part: Rows that one core makes at a time.
    """
    if count <= part:
        with path.open("w", encoding="utf-8", newline="") as file:
            write_rows(file, count, mix, start)
        return path
    starts = range(start, start + count, part)
    paths = [path.with_suffix(f".{first}") for first in starts]
    counts = [min(part, start + count - first) for first in starts]
    # Not forked: whoever calls may have threads.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool, path.open("wb") as file:
        done = 0
        for made, rows in zip(pool.map(write_file, paths, counts, repeat(mix), starts), counts, strict=True):
            _append(made, file, with_header=done == 0)
            done += rows
            if say is not None and done % _SAID_EVERY == 0:
                say(f"{done:,} of {count:,} rows are generated")
    return path


def _append(path: Path, file: BinaryIO, *, with_header: bool) -> None:
    """Move a part to the end of the whole."""
    with path.open("rb") as part:
        header = part.readline()
        if with_header:
            file.write(header)
        shutil.copyfileobj(part, file)
    path.unlink()


def _hash(seed: int, index: int, salt: int) -> int:
    """Mix three numbers into 64 bits (the finalizer of splitmix64)."""
    number = (seed * 0x9E3779B97F4A7C15 + index * 0xD1342543DE82EF95 + salt * 0x2545F4914F6CDD1D) & _MASK
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ number >> 27) * 0x94D049BB133111EB & _MASK
    return number ^ number >> 31


def _plain(index: int, mix: Mix) -> Row:
    """Make row ``index`` without mistakes; its e-mail and numbers belong to no other row below ten million."""
    code = _weighted(_hash(mix.seed, index, 3), mix.countries)
    country = COUNTRIES[code]
    rest = _hash(mix.seed, index, 4)
    rest, first = divmod(rest, len(_FIRST))
    rest, last = divmod(rest, len(_LAST))
    rest, street = divmod(rest, len(_STREETS))
    rest, place = divmod(rest, len(country.places))
    rest, title = divmod(rest, len(_TITLES))
    rest, sort = divmod(rest, 10)
    rest, house = divmod(rest, 400)
    rest, day = divmod(rest, 28)
    rest, month = divmod(rest, 12)
    rest, year = divmod(rest, 20)
    state, city, postcode = country.places[place]
    row = {
        "customer_title": _TITLES[title],
        "first_name": _FIRST[first],
        "last_name": _LAST[last],
        "customer_type": "Personal",
        "street_address": f"{house + 1} {_STREETS[street]} Street",
        "city": city,
        "state": state,
        "postcode": postcode,
        "country": country.name,
        "date_joined": f"{2004 + year}/{month + 1:02d}/{day + 1:02d}",
        "email": f"customer.{index}@example.com",
    }
    number = index * 7919  # prime: spreads neighbours over the numbering plan, meets no number twice
    if sort < 7:
        row["mobile"] = country.mobile(number)
    if sort in {0, 7, 8, 9}:
        row["phone"] = country.phone(number)
    if sort == 1:
        row["email2"] = f"second.{index}@example.org"
    if sort == 2:
        row.update(customer_type="Business", business_name=f"{_LAST[last]} & Daughters {index}")
    if sort == 3:
        row.update(customer_type="", city="", country=country.name if code != "AU" else "")
    if sort == 4:
        row.update(email="", mobile="", unit=str(index))  # identified by name and address
    if _hash(mix.seed, index, 5) / 2**64 < mix.passwords:
        row["password"] = f"pass-{_hash(mix.seed, index, 6):x}"
    return row


def _weighted(number: int, weights: Mapping[str, int]) -> str:
    if len(weights) == 1:
        return next(iter(weights))
    number %= sum(weights.values())
    for name, weight in weights.items():
        if number < weight:
            return name
        number -= weight
    raise AssertionError("weights are counted wrongly")


def _repetition(index: int, mix: Mix) -> Row:
    """Make row ``index`` repeat one of the 5,000 rows before it in one of the ways people do."""
    choice = _hash(mix.seed, index, 7)
    original = _plain(index - 1 - choice % min(index, 5000), mix)
    original["password"] = ""
    return REPETITIONS[_hash(mix.seed, index, 8) % len(REPETITIONS)](original, _plain(index, mix))


def _same_row(original: Row, row: Row) -> Row:  # noqa: ARG001 - all repetitions take the same two rows
    return original


def _same_email_in_capitals(original: Row, row: Row) -> Row:
    local, _, domain = original["email"].partition("@")
    return row | {"email": f"{local}@{domain.upper()}"} if domain else original


def _same_number_in_another_slot(original: Row, row: Row) -> Row:
    number = original.get("mobile") or original.get("phone")
    return row | {"phone2": number, "country": original["country"]} if number else original


def _same_number_written_otherwise(original: Row, row: Row) -> Row:
    number = original.get("mobile")
    if not number or original["country"] not in {"", "Australia"}:
        return original
    return row | {"mobile": f"+61 {number[1:4]}-{number[4:]}"}


REPETITIONS: tuple[Callable[[Row, Row], Row], ...] = (
    _same_row,
    _same_email_in_capitals,
    _same_number_in_another_slot,
    _same_number_written_otherwise,
)


def _mistake(**cells: str) -> Callable[[Row], None]:
    def make(row: Row) -> None:
        row.update(cells)

    return make


MISTAKES: tuple[Callable[[Row], None], ...] = (
    _mistake(first_name=""),
    _mistake(last_name="  "),
    _mistake(city="", state=""),
    _mistake(postcode="ring the bell twice, the dog is friendly"),
    _mistake(customer_title="Prof"),
    _mistake(customer_type="Company"),
    _mistake(customer_type="Business", business_name=""),
    _mistake(email="someone(at)example.com"),
    _mistake(mobile="12"),
    _mistake(country="Ruritania"),
    _mistake(state="Quensland"),
    _mistake(date_joined="31/12/2019"),
    _mistake(date_joined="2019/02/30"),
    _mistake(customer_title="Sir", email="nobody@", date_joined="yesterday"),
)
"""Every kind of mistake that a file without custom fields can have."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a CSV to standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=main.__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bad", type=float, default=0.02, help="share of rows with a mistake")
    parser.add_argument("--duplicates", type=float, default=0.02, help="share of rows that repeat an earlier one")
    parser.add_argument("--passwords", type=float, default=0.0, help="share of rows with a password")
    parser.add_argument("--countries", default="AU=1", help="weights, such as AU=7,GB=1,US=1,DE=1")
    given = parser.parse_args(arguments)
    countries = {code: int(weight) for code, _, weight in (part.partition("=") for part in given.countries.split(","))}
    mix = Mix(given.seed, given.bad, given.duplicates, given.passwords, countries)
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    write_rows(sys.stdout, given.rows, mix)


if __name__ == "__main__":
    main()
