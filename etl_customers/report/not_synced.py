"""The file of a pull for whoever corrects records at the provider: which, and why; nothing of the customer.

Customers that were not synced come first, then those that were, but of whom something could not be taken over,
and those whom the provider has no more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from etl_customers.errors import DiskUnavailable
from etl_customers.read.formulas import escape_formula
from etl_customers.report.failed_rows import write_whole
from etl_customers.target.ledger import FailedRow
from schemas.codes import VANISHED, message

_HEADER = ["provider_id", "code", "message", "column", "synced"]
_FILLED_IN = ("_defaulted", "_defaulted_to_company")
"""How the codes of warnings end that ask nobody to correct anything."""


def write_not_synced(
    path: Path,
    failed: Iterable[FailedRow],
    warned: Iterable[tuple[str, Sequence[Mapping[str, str]]]],
    vanished: Iterable[str] = (),
) -> int:
    """Write ids, codes and messages as UTF-8 CSV, a line for each reason.

    The file is for people to look at and is never uploaded: the records are to be
    corrected at the provider. It appears whole or not at all.

    Args:
        path: Where the file goes; replaced if it is there. Mode 0600.
        failed: From the ledger, in its order.
        warned: Synced customers: the provider's id, and column and code of their warnings. What was
            filled in is no line; a person has nothing to do about it.
        vanished: The provider's ids of customers that it has no more, and that are inactive here.

    Returns:
        Number of customers in the file that were not synced; with nothing to write there is no file.

    Raises:
        DiskUnavailable: The file cannot be written.
    """
    written = 0

    def lines() -> Iterator[list[str]]:
        nonlocal written
        for row in failed:
            written += 1
            for error in row.errors:
                yield [row.provider_id or "", error["code"], error["message"], error.get("column") or "", "no"]
        yield from _lines_of_warned(warned)
        yield from ([provider_id, VANISHED, message(VANISHED, ""), "", "yes"] for provider_id in vanished)

    found = lines()
    first = next(found, None)
    if first is None:
        return 0

    def records() -> Iterator[list[str]]:
        yield _HEADER
        for line in chain([first], found):
            yield [escape_formula(cell) for cell in line]

    try:
        write_whole(path, records())
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be written") from None
    return written


def _lines_of_warned(warned: Iterable[tuple[str, Sequence[Mapping[str, str]]]]) -> Iterator[list[str]]:
    for provider_id, warnings in warned:
        for column, code in dict.fromkeys((warning["column"], warning["code"]) for warning in warnings):
            if not code.endswith(_FILLED_IN):
                yield [provider_id, code, message(code, column), column, "yes"]
