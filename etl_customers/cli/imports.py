"""Commands about imports: import a file, break it up, look at imports and their failed rows."""

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl_customers.cli.options import (
    MOST_LISTED,
    EncodingOption,
    HomeOption,
    JsonOption,
    ListingGroup,
    installation_at,
    target_at,
    user_name,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from etl_customers.database.ledger import ImportRecord
    from etl_customers.imports.accepting import Accepted
    from etl_customers.imports.installation import Installation
    from etl_customers.report.result import ImportResult
    from etl_customers.settings.home import Home

_IMPORTS_SHOWN = 100


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command("import")(import_)
    app.command()(template)
    app.command()(split)
    group = typer.Typer(cls=ListingGroup, no_args_is_help=False, help="List imports, or show one.")
    group.command("list")(list_)
    group.command("show")(show)
    app.add_typer(group, name="imports")
    app.command()(failed)


def import_(
    file: Annotated[Path, typer.Argument(help="CSV or .xlsx file of customers.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, but load nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Import the file even if it was imported before.")] = False,
    json: JsonOption = False,
    encoding: EncodingOption = None,
    home: HomeOption = None,
) -> int:
    """Import a file of customers; every row is loaded, or listed with all the reasons why it was not.

    Exit codes:

    0: all rows were loaded

    1: loaded, but some rows failed or were not read

    2: the file was refused, nothing was loaded

    3: it could not be done now, nothing was loaded; run it again
    """
    if not json:
        from etl_customers.cli.company import settle_country

        settle_country(home, file, encoding, again)
    started = time.monotonic()
    with installation_at(home) as installation:
        result = (
            _dry_run(installation, file, encoding, again) if dry_run else _import(installation, file, encoding, again)
        )
    if json:
        from etl_customers.cli.screen import print_json

        print_json(result.as_record())
    else:
        from etl_customers.cli.import_screen import print_result

        print_result(result, time.monotonic() - started)
    return result.exit_code


def template(
    output: Annotated[
        Path | None, typer.Option("--output", help="File to write; standard output if not given.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write an empty CSV with the account's columns; required ones have a star."""
    import csv
    import io

    from etl_customers.cli.files import write_file
    from etl_customers.cli.screen import say
    from etl_customers.columns.account_fields import load_fields
    from etl_customers.columns.template import template_header
    from etl_customers.database.connect import reading
    from etl_customers.settings.home import find_home
    from etl_customers.settings.in_force import load_settings

    settings = load_settings(find_home(home))
    with target_at(home) as target, reading(target) as connection:
        fields = load_fields(connection)
    if settings.csv.aliases:  # what follows is slow to import
        from etl_customers.columns.headers import KnownHeaders

        KnownHeaders(fields, settings.csv.aliases)  # refuses aliases that take a column of the template
    header = template_header(fields, settings.csv.required)
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(header)
    if output is None:
        sys.stdout.write(text.getvalue())
        return
    write_file(output, text.getvalue().encode("utf-8-sig"))
    say(f"template written to {output}")


def split(
    file: Annotated[Path, typer.Argument(help="A file with too many rows.", show_default=False)],
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Folder for the parts; the file's own folder if not given.")
    ] = None,
    encoding: EncodingOption = None,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Split a file into parts that are short enough to import; each has the header."""
    from etl_customers.cli.screen import print_json, say
    from etl_customers.read.split import split_file
    from etl_customers.settings.home import find_home
    from etl_customers.settings.in_force import load_settings

    settings = load_settings(find_home(home))
    parts = split_file(file, settings.csv, encoding, folder or file.parent)
    if json:
        print_json({"file": str(file), "parts": [str(part) for part in parts]})
        return
    say(f"{len(parts)} parts of at most {settings.csv.max_rows} rows:", *(f"  {part}" for part in parts))


def list_(
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST_LISTED, help="How many imports to list at most.")
    ] = _IMPORTS_SHOWN,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List the imports, the latest first."""
    from dataclasses import asdict

    from etl_customers.cli.import_screen import print_imports
    from etl_customers.cli.screen import print_json, say
    from etl_customers.database.connect import reading
    from etl_customers.database.ledger import count_left_out, list_imports

    with target_at(home) as target, reading(target) as connection:
        records = list(list_imports(connection, limit))
        pulls = [record.import_id for record in records if record.tenant_id and record.rows_failed]
        left_out = {} if json else count_left_out(connection, pulls)
    if json:
        print_json({"imports": [asdict(record) for record in records]})
        return
    if not records:
        say("no imports yet; to begin, run: etl-customers import FILE")
        return
    print_imports(records, left_out)


def show(
    import_id: Annotated[str, typer.Argument(help="The import's id.", show_default=False)],
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show one import: who, when, which file, its run, and what became of its rows."""
    from dataclasses import asdict

    from etl_customers.cli import pulls
    from etl_customers.cli.import_screen import print_result
    from etl_customers.cli.pull_screen import print_pull
    from etl_customers.cli.screen import console, pairs, print_json, say
    from etl_customers.report.pull_result import PullResult
    from etl_customers.settings.home import find_home

    found = find_home(home)
    with target_at(home) as target:
        record = _find(target, import_id)
        is_pull = record.is_pull
        result = pulls.result_of(target, found, record) if is_pull else _result(target, found, import_id)
    if json:
        print_json(result.as_record() | {"ledger": asdict(record)})
        return
    if isinstance(result, PullResult):
        print_pull(result)
    else:
        print_result(result)
    say("")
    console().print(pairs((name.replace("_", " "), value) for name, value in asdict(record).items()))


def failed(
    import_id: Annotated[str, typer.Argument(help="The import's id.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", help="File to write; a file in the home if not given.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write the failed rows of an import to a file to correct and import; for a pull, what to do at the provider."""
    from etl_customers.base.errors import NotFound
    from etl_customers.cli.files import write_file
    from etl_customers.cli.pasting import relative, shown_path
    from etl_customers.cli.screen import say
    from etl_customers.imports.stages import run_failed_rows
    from schemas.sources import LABELS

    with installation_at(home) as installation:
        record = _find(installation.target, import_id)
        is_pull = record.is_pull
        if not record.rows_failed and not is_pull:
            say(f"import {import_id} has no failed rows")
            return
        path = installation.failed_rows_path(import_id)
        written = 0 if record.status == "undone" else run_failed_rows(installation, import_id)
        if is_pull and (record.status == "undone" or not path.exists()):
            say(f"there is nothing to do for pull {import_id}")
            return
        if not written and not path.exists():
            raise NotFound(
                "failed-rows file of import",
                import_id,
                "its cells were erased, or deleted after their retention time; to see the reasons, run: "
                f"etl-customers imports show {import_id}",
            )
        if output is not None:
            write_file(output, path.read_bytes())
            path = output
    if is_pull:
        command = f"etl-customers pull {record.source} --tenant {record.tenant_id}"
        say(
            f"what to do for pull {import_id}: {relative(path)}",
            f"Correct it at {LABELS[record.source]}, then run: {command}",
        )
        return
    remedy = f"Correct them there, then run: etl-customers import {shown_path(path)}"
    say(f"failed rows of import {import_id}, {record.rows_failed} in all: {relative(path)}", remedy)


def _import(installation: "Installation", file: Path, encoding: str | None, again: bool) -> "ImportResult":
    from etl_customers.base.errors import UploadRefused
    from etl_customers.cli.stopping import when_stopped
    from etl_customers.imports.accepting import accept_upload
    from etl_customers.imports.stages import run_failed_rows
    from etl_customers.report.result import refused_before_accepted

    accepted: Accepted | None = None
    with when_stopped(lambda: _what_a_stop_left(installation, accepted)):
        try:
            accepted = accept_upload(installation, file, encoding=encoding, again=again, accepted_by=user_name())
        except UploadRefused as refusal:
            return refused_before_accepted(file.name, refusal)
        import_id = accepted.record.import_id
        if accepted.is_repeat:
            if accepted.record.rows_failed and not installation.failed_rows_path(import_id).exists():
                run_failed_rows(installation, import_id)
            return _result(installation.target, installation.home, import_id, repeat=True)
        return _run(installation, accepted)


def _what_a_stop_left(installation: "Installation", accepted: "Accepted | None") -> str:
    """Discard an import that this command has begun, with its copy of the upload; not one that is somebody else's, too."""
    from etl_customers.base.errors import ImportBusy
    from etl_customers.changes.undoing import undo
    from etl_customers.database.ledger import ACCEPTED, FINISHED

    if accepted is not None:
        import_id = accepted.record.import_id
        record = _find(installation.target, import_id)
        if record.status == FINISHED:
            return f"stopped, but import {import_id} was loaded; see: etl-customers imports show {import_id}"
        goes_on = f"stopped; import {import_id} is also under way in another process, which continues"
        if record.accepted_by != user_name():
            return goes_on
        try:
            if record.status == ACCEPTED:
                undo(installation, import_id, user_name())
        except ImportBusy:
            return goes_on
    return "stopped; nothing was loaded; you can run the same command again"


def _run(installation: "Installation", accepted: "Accepted") -> "ImportResult":
    from assets.automation.launch import run_import_job
    from assets.display.tags import import_tags
    from etl_customers.cli.progress import shown_progress
    from etl_customers.cli.run_ends import result_after_run

    import_id = accepted.record.import_id
    tags = import_tags(accepted.record, installation.settings)
    with shown_progress() as progress:
        outcome = run_import_job(installation.home, import_id, progress, tags)
    read = partial(_result, installation.target, installation.home, import_id)
    return result_after_run(import_id, outcome.failure, read, "the import was loaded")


def _dry_run(installation: "Installation", file: Path, encoding: str | None, again: bool) -> "ImportResult":
    from etl_customers.base.errors import UploadRefused
    from etl_customers.imports.dry_run import dry_run
    from etl_customers.report.result import dry_run_result, refused_before_accepted

    try:
        with dry_run(installation, file, encoding=encoding, again=again) as tried:
            if tried.repeat is not None:
                return _result(installation.target, installation.home, tried.repeat.import_id, repeat=True)
            read = tried.read
            return dry_run_result(
                tried.upload.file_name,
                tried.upload.sha256,
                tried.staging,
                read=0 if read is None else read.read,
                unread=0 if read is None else read.unread,
                parent_import_id=None if read is None else read.parent_import_id,
                refusal=tried.refusal,
            )
    except UploadRefused as refusal:
        return refused_before_accepted(file.name, refusal)


def _find(target: "Engine", import_id: str) -> "ImportRecord":
    from etl_customers.database.connect import reading
    from etl_customers.database.ledger import require_import

    with reading(target) as connection:
        return require_import(connection, import_id)


def _result(target: "Engine", home: "Home", import_id: str, repeat: bool = False) -> "ImportResult":
    from etl_customers.database.connect import reading
    from etl_customers.report.result import result_of

    record = _find(target, import_id)
    with reading(target) as connection:
        return result_of(connection, home, record, repeat)
