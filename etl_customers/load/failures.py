"""The failed rows of a staging file with their messages, as the ledger keeps them and a dry run shows them."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from etl_customers.database.ledger import FailedRow
from etl_customers.staging import Staging
from schemas.codes import message

_ERRORS = """
    select errors."row", raw_csv.line, nullif(pulled_rows.provider_id, ''), errors."column", errors.code, errors.reference, errors.suggestion
    from row_errors as errors
    join raw_csv using ("row")
    left join pulled_rows using ("row")
    left join (select key, min(position) as position from upload_columns group by key) as upload
        on upload.key = errors."column"
    where errors."row" between ? and ?
    order by errors."row", upload.position nulls last, errors."column", errors.code, errors.reference
"""


def staged_failures(staging: Staging, first: int, last: int) -> Iterator[FailedRow]:
    """Yield the failed rows from ``first`` to ``last`` with the errors of all stages so far.

    Errors stand in the order of the upload's columns, those of no column of it last,
    and two of the same column by their code. Messages hold no customer's value.

    Args:
        staging: At any stage; a dry run asks after the last one.
        first: Number of the first row, as a spreadsheet shows it.
        last: Number of the last row.
    """
    found = groupby(staging.rows(_ERRORS, [first, last]), key=lambda error: error[:3])
    for (row, line, provider_id), errors in found:
        yield FailedRow(row, line, [describe_error(*error[3:]) for error in errors], provider_id=provider_id)


def describe_error(column: str, code: str, reference: str | None, suggestion: str | None) -> dict[str, Any]:
    """Return an error as the ledger, a dry run and a refused edit give it."""
    return {"column": column, "code": code, "message": message(code, column, reference), "suggestion": suggestion}
