"""The file of a pull's customers that were not synced: which, and why; nothing of the customer."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from etl_customers.errors import DiskUnavailable
from etl_customers.read.formulas import escape_formula
from etl_customers.report.failed_rows import write_whole
from etl_customers.target.ledger import FailedRow

_HEADER = ["provider_id", "code", "message"]


def write_not_synced(path: Path, failed: Iterable[FailedRow]) -> int:
    """Write ids, codes and messages of what a pull did not sync as UTF-8 CSV, a line for each reason.

    The file is for people to look at and is never uploaded: the records are to be
    corrected at the provider. It appears whole or not at all.

    Args:
        path: Where the file goes; replaced if it is there. Mode 0600.
        failed: From the ledger, in its order.

    Returns:
        Number of customers in the file; with 0 there is no file.

    Raises:
        DiskUnavailable: The file cannot be written.
    """
    rows = iter(failed)
    first = next(rows, None)
    if first is None:
        return 0
    written = 0

    def records() -> Iterator[list[str]]:
        nonlocal written
        yield _HEADER
        for row in chain([first], rows):
            written += 1
            for error in row.errors:
                yield [escape_formula(str(value or "")) for value in (row.provider_id, error["code"], error["message"])]

    try:
        write_whole(path, records())
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be written") from None
    return written
