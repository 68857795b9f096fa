"""A home and a target in which an import can be disturbed again and again, each time from the same beginning.

Two customers are there before, and an import whose failed rows the file corrects; the file has a row of every
kind. An oracle compares with an import that nothing befell. What can befall is in ``killing`` and ``points``.
"""

import re
import shutil
import signal
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.columns.field_changes import add_custom_field, add_property_field, add_property_type
from etl_customers.database.connect import reading, writing
from etl_customers.database.tables import customer_changes, customers, imports, metadata
from schemas.columns import FieldType
from tests.faults.dumping import dump
from tests.faults.killing import NO_FAULT, Fault, Outcome, Processes

EARLIER = """first_name,last_name,email,password,city
Ada,Example,ada@example.com,,Sydney
Bob,Example,bob@example.com,secret,Sydney
Cy,,cy@example.com,secret,Sydney
Dee,,dee@example.com,,Sydney
"""
CORRECTED = """import_id,row,first_name,last_name,email,mobile,password,city,Size,Pet: Name,Pet 2: Name,errors
{parent},4,Cy,Right,cy@example.com,,,Sydney,9,,,"last_name is missing"
{parent},5,Dee,,dee@example.com,,other,Sydney,,,,"last_name is missing"
,,Eva,New,eva@example.com,0491570156,hidden,Sydney,7,Rex,Bello,
,,Eva,Twin,EVA@example.com,,,Sydney,,,,
,,Ada,There,ada@example.com,,,Sydney,,,,
,,Fay,Broken,fay@,,hidden,Nowhere,x,,,
,,'=Gil,Plain,,+61 2 5550 1234,,,8,Mia,,
,,,,,,,,,,,
,,Unread,Row,unread@example.com,,,Sydney,,,,
"""
_VALUES = re.compile("|".join(re.findall(r"[a-z]+@example\.com|secret|hidden|canary", EARLIER + CORRECTED)))
_IMPORT_ID = re.compile(r"csv-[0-9]{8}T[0-9]{6}Z-([0-9a-f]{8})(-[0-9]+)?")


class Sweep:
    """One file, one home, one target; ``file`` is imported, with or without a fault, after ``reset``."""

    def __init__(self, folder: Path, target: Engine, processes: Processes, home: Path | None = None) -> None:
        self.folder, self.target, self.file = folder, target, folder / "customers.csv"
        self.home = home or folder / "home"
        self._processes = processes
        self._add_fields()
        self._import_earlier()
        shutil.copytree(self.home, folder / "home before")
        self._put_back = _remember(target, folder)
        self.before = dump(target)
        self.reset()
        self.run_again()
        self.after, self.files_after = dump(target), self._files()

    def reset(self) -> None:
        """Begin anew."""
        shutil.rmtree(self.home)
        shutil.copytree(self.folder / "home before", self.home)
        self._put_back()

    def run(self, fault: Fault) -> Outcome:
        """Import the file in a process that a fault befalls."""
        outcome = self._processes.run(self.home, self.target, "import", self.file, fault=fault)
        assert not outcome.crash, outcome.crash
        return outcome

    def run_again(self) -> None:
        """Import the file in a process that nothing befalls."""
        outcome = self.run(NO_FAULT)
        assert not outcome.code, outcome.message

    def points(self, kinds: Iterable[str], failure: str = Fault.failure) -> list[str]:
        """Return the points that an import passes."""
        self.reset()
        return self.run(Fault(0, kinds, failure)).points

    def is_before_or_after(self) -> bool:
        """Tell whether the target has all of the import or, but for its acceptance, nothing."""
        found = dump(self.target)
        name = imports.name
        accepted = [entry for entry in found[name] if entry not in self.before[name]]
        is_before = found | {name: self.before[name]} == self.before and all("accepted" in entry for entry in accepted)
        return found == self.after or is_before

    def assert_undisturbed(self, what: str) -> None:
        """Compare with the import that nothing befell: every table, every file, and the counts."""
        assert dump(self.target) == self.after, what
        assert self._files() == self.files_after, what
        with reading(self.target) as connection:
            counts = connection.execute(sa.select(imports.c.rows_read, imports.c.rows_loaded, imports.c.rows_failed))
            assert all(read == loaded + failed for read, loaded, failed in counts), what

    def _add_fields(self) -> None:
        with writing(self.target) as connection:
            add_custom_field(connection, "Size", FieldType.NUMBER)
            add_property_type(connection, "Pet")
            add_property_field(connection, "pet", "Name", FieldType.TEXT)

    def _import_earlier(self) -> None:
        self.file.write_text(EARLIER, encoding="utf-8")
        self.home.mkdir()
        self.run_again()
        with reading(self.target) as connection:
            parent: str = connection.scalars(sa.select(imports.c.import_id)).one()
        self.file.write_text(CORRECTED.format(parent=parent), encoding="utf-8")

    def _files(self) -> dict[str, bytes]:
        """Return what is in the home by its name, and of what is no database the content."""
        found = {}
        for path in sorted(self.home.rglob("*")):
            if path.suffix == ".wal" and path.with_suffix("").exists():
                # What DuckDB could not merge into the file is part of it until the next one opens it.
                continue
            is_told = path.is_file() and path.suffix != ".duckdb"
            content = _IMPORT_ID.sub(r"\1", path.read_text(encoding="utf-8")).encode() if is_told else b""
            found[_IMPORT_ID.sub(r"\1", str(path.relative_to(self.home)))] = content
        return found


def numbered(points: Sequence[str], some: int | None = None, part: int = 0, parts: int = 1) -> list[int]:
    """Return the numbers (from 1) of ``some`` points that stand evenly among all, or of all; of these, one of ``parts``."""
    count = len(points) if some is None else min(some, len(points))
    return [len(points) * step // count + 1 for step in range(count)][part::parts]


def assert_survived(sweep: Sweep, outcome: Outcome) -> None:
    """The import is there whole or not at all, and once more without a fault it is as an undisturbed one."""
    _assert_told(outcome)
    assert sweep.is_before_or_after()
    sweep.run_again()
    sweep.assert_undisturbed(outcome.message)


def _assert_told(outcome: Outcome) -> None:
    """The process came to an end by itself, and said in one message of ours what to do where it failed."""
    assert outcome.signal in (None, signal.SIGKILL)
    if outcome.code == "unreadable_file":
        # The user's own file, not one of ours.
        assert outcome.exit_code == 2
    elif outcome.code is not None:
        assert outcome.exit_code == 3, outcome.message
        assert "again" in outcome.message, outcome.message
        assert "\n" not in outcome.message
        assert not _VALUES.search(outcome.message)


def _remember(target: Engine, folder: Path) -> Callable[[], None]:
    """Return what sets a target back to how it is now."""
    if target.dialect.name == "sqlite":
        target.dispose()
        path = Path(str(target.url.database))
        shutil.copy(path, folder / "target before.db")

        def copy_back() -> None:
            target.dispose()
            for beside in path.parent.glob(f"{path.name}-*"):
                beside.unlink()
            shutil.copy(folder / "target before.db", path)

        return copy_back
    with reading(target) as connection:
        rows = {
            table: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in metadata.sorted_tables
        }
    return lambda: _write_back(target, rows)


def _write_back(target: Engine, rows: dict[sa.Table, list[dict[str, Any]]]) -> None:
    with target.begin() as connection:
        # Waits for the locks of whoever was killed.
        connection.exec_driver_sql(f"truncate {', '.join(table.name for table in rows)} restart identity")
        for table, values in rows.items():
            if values:
                connection.execute(table.insert(), values)
        for table in (customers, customer_changes):
            highest = max((row["id"] for row in rows[table]), default=0)
            if highest:
                query = f"select setval(pg_get_serial_sequence('{table.name}', 'id'), {highest})"
                connection.exec_driver_sql(query)
