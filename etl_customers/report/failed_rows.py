"""The failed-rows file: the rows of an import that failed, to be corrected and uploaded again (R19, R20)."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from etl_customers.base.command_wording import COMMANDS_IN_FILES
from etl_customers.base.errors import DiskUnavailable
from etl_customers.base.private_files import as_text, private_file
from etl_customers.columns.header_names import BEYOND_PREFIX, OWN_COLUMNS
from etl_customers.columns.headers import UNSTAGED_ROLES, Role
from etl_customers.read.misplaced import beyond_cells
from etl_customers.staging import Staging
from etl_customers.texts.formula_escapes import escape_formula

_CHUNK_ROWS = 10_000
_BEYOND = 'select "row", cells from overflowing_cells where "row" between ? and ?'
_LEFT_OUT = frozenset({Role.OWN, Role.BEYOND, Role.TEMPLATE})


def write_failed_rows(
    staging: Staging, path: Path, import_id: str, errors: Mapping[int, str] | Iterable[tuple[int, str]]
) -> int:
    """Write the failed rows of an import as UTF-8 CSV with a byte order mark.

    Columns: ``import_id``, ``row``, those of the upload under their own headers, ``errors``;
    before the last, ``beyond_1`` and so on where a ragged row has more cells than the header.
    The password's column is there and empty. Of an upload that is itself a failed-rows
    file, its three columns give way to the new ones; a template's stamp is left out.
    Cells that a spreadsheet would run are escaped. The file appears whole or not at all.

    Args:
        staging: The import's staging file, with ``raw_csv`` and ``upload_columns``.
        path: Where the file goes; replaced if it is there. Mode 0600.
        import_id: The import whose rows failed.
        errors: Row to the text that tells all its errors; pairs in the order of rows.

    Returns:
        Number of rows written; with 0 there is no file.

    Raises:
        DiskUnavailable: The file cannot be written.
    """
    pairs = iter(sorted(errors.items()) if isinstance(errors, Mapping) else errors)
    first = next(pairs, None)
    if first is None:
        return 0
    try:
        return write_whole(path, _records(staging, import_id, first, pairs))
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be written") from None


def error_text(errors: Iterable[Mapping[str, str | None]]) -> str:
    """Return all errors of a row as the file's last column has them."""
    said = COMMANDS_IN_FILES.get()
    messages = ((said(str(error["message"])), error.get("suggestion")) for error in errors)
    return "; ".join(f"{one}; did you mean {nearest}?" if nearest else one for one, nearest in messages)


def _records(
    staging: Staging, import_id: str, first: tuple[int, str], rest: Iterator[tuple[int, str]]
) -> Iterator[list[str]]:
    """Yield the header, then the rows, a chunk of them in memory at a time."""
    kept = [column for column in staging.upload_columns() if column.role not in _LEFT_OUT]
    most = staging.number("select max(len(cells)) from overflowing_cells")
    beyond_headers = [f"{BEYOND_PREFIX}{number}" for number in range(1, most + 1)]
    yield [*OWN_COLUMNS[:2], *(escape_formula(column.header) for column in kept), *beyond_headers, OWN_COLUMNS[2]]
    is_staged = [column.role not in UNSTAGED_ROLES for column in kept]
    cells = "".join(f", {column.cell}" if there else ", ''" for column, there in zip(kept, is_staged, strict=True))
    chunk = [first, *islice(rest, _CHUNK_ROWS - 1)]
    while chunk:
        texts = dict(chunk)
        found = staging.rows(
            f'select "row"{cells} from raw_csv where "row" between ? and ? '  # noqa: S608 (cells are c0, c1 …)
            'and "row" in (select unnest(?::bigint[])) order by "row"',
            [min(texts), max(texts), list(texts)],
        )
        overflow = dict(staging.rows(_BEYOND, [min(texts), max(texts)])) if most else {}
        for row, *values in found:
            texts_staged = [value for value, there in zip(values, is_staged, strict=True) if there]
            beyond = beyond_cells(texts_staged, overflow.get(row, ()), most) if most else ()
            yield [import_id, str(row), *map(escape_formula, (*values, *beyond, texts[row]))]
        chunk = list(islice(rest, _CHUNK_ROWS))


def write_whole(path: Path, records: Iterator[list[str]]) -> int:
    """Write records as UTF-8 CSV with a byte order mark, mode 0600; the file appears whole or not at all.

    Args:
        path: Replaced if it is there.
        records: The header first.

    Returns:
        Number of records without the header.

    Raises:
        OSError: It cannot be written; then there is nothing of it.
    """
    written = -1
    with private_file(path) as file, as_text(file, "utf-8-sig") as text:
        # Every cell in quotes: a spreadsheet that splits at semicolons or tabs would find a formula behind one.
        writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
        for record in records:
            writer.writerow(record)
            written += 1
    return written
