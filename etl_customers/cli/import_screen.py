"""The result of an import on a terminal: what happened, what is wrong, what to do next."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from etl_customers.cli.pasting import relative, runnable, shown_path
from etl_customers.cli.screen import clean, console, pairs, say, show, table
from etl_customers.database.ledger import ImportRecord
from etl_customers.report.result import ImportResult, Refusal
from schemas.codes import COLUMN_LEFT_OUT

FAILED_SHOWN = 10
_LIST_WIDTH = 100
"""Columns in which an import's id and its counts fit in one piece."""
_ROWS_NAMED = 5


def print_result(result: ImportResult, seconds: float | None = None) -> None:
    """Print a result for a person.

    Args:
        result: Of an import or a dry run.
        seconds: How long it took, where it was done just now.
    """
    from rich.text import Text

    if result.refusal is not None:
        _print_refusal(result, result.refusal)
        return
    screen = console()
    screen.print(Text(_headline(result), style="bold"), soft_wrap=True)
    screen.print(pairs(_facts(result, seconds)))
    _print_warnings(result)
    _print_failed(result)
    if result.rows.unread:
        say(
            "",
            f"{_rows(result.rows.unread)} after the first blank row {_were(result.rows.unread)} not read: "
            "a blank row ends the file. To import them, delete it and import the file again.",
        )
    next_step = _next_step(result)
    if next_step:
        say("", *next_step)


def print_imports(records: Sequence[ImportRecord], left_out: Mapping[str, int]) -> None:
    """Print a line per import; the columns that only pulls fill are there where there is a pull.

    Which connection a pull was from, the end of its id says.

    Args:
        records: The imports.
        left_out: How many customers each pull left out on purpose, of those that did.
    """
    is_any_pull = any(record.tenant_id for record in records)
    of_pulls = ("updated", "unchanged", "not synced", "left out") if is_any_pull else ()
    counts = ("read", "loaded", *of_pulls[:2], "failed", *of_pulls[2:], "unread")
    headers = ("import", "status", "file", "accepted", *counts)
    rows = [
        (
            record.import_id,
            record.status,
            record.file_name,
            f"{record.accepted_at:%Y-%m-%d %H:%M} UTC",
            *(_count(record, name, left_out.get(record.import_id, 0)) for name in counts),
        )
        for record in records
    ]
    least = _LIST_WIDTH + 20 * len(of_pulls)
    console(least=least).print(table(headers, rows, right=counts, whole=(*headers[:2], *counts)))


def _count(record: ImportRecord, name: str, left_out: int) -> int | None:
    """Return a count of an import; what failed of a pull was not synced, or was left out on purpose."""
    is_pull, failed = record.tenant_id is not None, record.rows_failed
    match name:
        case "failed":
            return None if is_pull else failed
        case "not synced":
            return failed - left_out if is_pull and failed is not None else None
        case "left out":
            return left_out if is_pull and failed is not None else None
    count: int | None = getattr(record, f"rows_{name}")
    return count


def _headline(result: ImportResult) -> str:
    name, rows = clean(result.file or "the file"), result.rows
    if result.status == "dry_run":
        return f"{name}: {rows.loaded} of {_rows(rows.read)} would be loaded (dry run, nothing was loaded)"
    if result.status == "accepted":
        return f"{name} was accepted, but its import has not ended"
    if result.status == "undone":
        return f"{name}: the import was undone on {show(result.undone_at)}; {rows.loaded} of {_rows(rows.read)} had been loaded"
    if result.repeat:
        return f"{name}: this file was already imported on {show(result.finished_at)}; nothing was loaded this time"
    return f"{name}: {rows.loaded} of {_rows(rows.read)} loaded"


def _facts(result: ImportResult, seconds: float | None) -> Iterator[tuple[str, object]]:
    if result.import_id:
        yield "import", result.import_id
    if result.parent_import_id:
        yield "corrects", result.parent_import_id
    if result.status != "accepted":
        rows = result.rows
        yield "rows", f"{rows.read} read = {rows.loaded} loaded + {rows.failed} failed; {rows.unread} unread"
    if seconds is not None:
        yield "time", f"{seconds:.1f} s"


def _print_warnings(result: ImportResult) -> None:
    if not result.warnings:
        return
    left_out = [warning.column or "" for warning in result.warnings if warning.code == COLUMN_LEFT_OUT]
    counted = Counter((w.code, w.column, w.message) for w in result.warnings if w.code != COLUMN_LEFT_OUT)
    rows: dict[tuple[str, str | None, str], list[int]] = {}
    for warning in result.warnings:
        named = rows.setdefault((warning.code, warning.column, warning.message), [])
        if warning.row is not None and len(named) < _ROWS_NAMED:
            named.append(warning.row)
    lines = [
        (count, key[2], ", ".join(map(str, rows[key])) + (" …" if count > len(rows[key]) > 0 else ""))
        for key, count in counted.most_common()
    ]
    if left_out:  # an export may have dozens of them
        lines.insert(
            0, (len(left_out), f"columns left out because the target has no such column: {', '.join(left_out)}", "")
        )
    say("", f"Warnings ({len(result.warnings)}; these rows were loaded)")
    console().print(table(("times", "what", "rows"), lines, right=("times",)))


def _print_failed(result: ImportResult) -> None:
    if not result.rows.failed:
        return
    shown = list(result.failed[:FAILED_SHOWN])
    say("", f"Failed rows ({result.rows.failed})")
    console().print(
        table(
            ("row", "column", "reason", "suggestion"),
            [
                (failed.row if first else "", error["column"], runnable(error["message"]), error["suggestion"])
                for failed in shown
                for first, error in zip((True, *[False] * len(failed.errors)), failed.errors, strict=False)
            ],
            right=("row",),
        )
    )
    more = result.rows.failed - len(shown)
    if more > 0:
        say(f"and {more} more")


def _next_step(result: ImportResult) -> list[str]:
    if result.status == "undone":
        return ["To load its customers again, import the file again."]
    if result.status == "accepted":
        return ["Import the same file again: it continues where it stopped."]
    if result.status == "dry_run" and result.rows.failed:
        return ["Correct the rows in your file, or import it and correct the failed-rows file."]
    if result.failed_rows_file:
        return [
            f"All failed rows with their reasons: {relative(Path(result.failed_rows_file))}",
            f"Correct them there, then run: etl-customers import {shown_path(result.failed_rows_file)}",
        ]
    if result.rows.failed:
        return [f"To write the failed rows to a file, run: etl-customers failed {result.import_id}"]
    return []


def _print_refusal(result: ImportResult, refusal: Refusal) -> None:
    name = clean(result.file or "the file")
    say(f"error: {name} was refused, nothing of it was loaded: {refusal.message}", error=True)
    if result.import_id:
        say(f"import: {result.import_id}", error=True)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
