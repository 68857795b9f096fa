"""An import that is disturbed by others than a kill: its file, its stages one by one, and what must be there in the end.

Nothing here breaks anything.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from etl_customers.cli.options import user_name
from etl_customers.database.connect import writing
from etl_customers.database.tables import metadata
from etl_customers.imports import accepting, stages, whole
from etl_customers.imports.installation import Installation
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Settings
from tests.faults.dumping import differences, dump

ROWS = 12
VALUES = "@example.com"
"""Part of every customer's e-mail address: no message may hold it."""
FILE = "first_name,last_name,email,password,city\n" + "".join(
    f"First,{'' if n % 5 == 4 else f'Last {n}'},p{n % 10}{VALUES},{'secret' if n == 2 else ''},Sydney\n"
    for n in range(ROWS)
)
"""Eight customers, two rows that lack a name, and two of customers that came before in the file."""


def write_file(folder: Path, text: str = FILE) -> Path:
    """Write the file to import."""
    path = folder / "customers.csv"
    path.write_text(text, encoding="utf-8")
    return path


def installation_of(home: Path, target: Engine) -> Installation:
    """Return what the stages need, in a home that is made where it is missing."""
    return Installation(Home(home).make(), Settings(company=Company(country="AU")), target)


@dataclass
class StagedImport:
    """An import that a test takes through its stages, each as often as it likes."""

    installation: Installation
    file: Path
    import_id: str = field(default="", init=False)

    def accept(self) -> None:
        """Do what comes before the first stage."""
        self.import_id = accepting.accept_upload(self.installation, self.file, accepted_by=user_name()).record.import_id

    @property
    def stages(self) -> list[Callable[[], Any]]:
        """Return acceptance and the stages in their order."""
        return [
            self.accept,
            lambda: stages.run_raw_csv(self.installation, self.import_id),
            lambda: stages.run_validated_customers(self.installation, self.import_id),
            lambda: stages.run_deduplicated_customers(self.installation, self.import_id),
            self.load,
            lambda: stages.run_failed_rows(self.installation, self.import_id),
        ]

    def load(self) -> None:
        """Run the stage that writes to the target."""
        stages.run_loaded_customers(self.installation, self.import_id)

    def go_on_to_the_load(self) -> None:
        """Run all that comes before it."""
        for stage in self.stages[:4]:
            stage()


def run_command(installation: Installation, file: Path) -> None:
    """Do what ``etl-customers import`` does, without Dagster; the same bytes may have been imported before."""
    accepted = accepting.accept_upload(installation, file, accepted_by=user_name())
    import_id = accepted.record.import_id
    if not accepted.is_repeat:
        whole.run_import(installation, import_id)
    elif not installation.failed_rows_path(import_id).exists():
        stages.run_failed_rows(installation, import_id)


@dataclass(frozen=True)
class Undisturbed:
    """What an import that nobody disturbs makes of a target and a home."""

    before: dict[str, list[Any]]
    accepted: dict[str, list[Any]]
    finished: dict[str, list[Any]]
    failed_rows_file: str

    def assert_is_whole(self, target: Engine) -> None:
        """See that all of the import is in the target, or nothing of it."""
        found = dump(target)
        assert found in (self.before, self.accepted, self.finished), differences(found, self.finished)

    def assert_is_done(self, installation: Installation) -> None:
        """See that nothing tells the import from an undisturbed one, and that it left nothing over."""
        assert differences(dump(installation.target), self.finished) == {}
        assert failed_rows_file(installation) == self.failed_rows_file
        home = installation.home
        left = [path.name for folder in (home.uploads, home.staging, home.failed) for path in folder.iterdir()]
        ids = {Path(name).stem for name in left}
        assert len(ids) == 1
        assert sorted(Path(name).suffix for name in left) == [".csv", ".duckdb"]


def import_undisturbed(home: Path, target: Engine, file: Path) -> Undisturbed:
    """Import a file once, and remember what a target and a home look like then."""
    one = StagedImport(installation_of(home, target), file)
    before = dump(target)
    one.accept()
    accepted = dump(target)
    for stage in one.stages[1:]:
        stage()
    return Undisturbed(before, accepted, dump(target), failed_rows_file(one.installation))


def failed_rows_file(installation: Installation) -> str:
    """Return the text of the only failed-rows file of a home, without its import's id."""
    (path,) = installation.home.failed.iterdir()
    return path.read_text(encoding="utf-8").replace(path.stem, "ID")


def empty(target: Engine) -> None:
    """Delete every row of a target."""
    with writing(target) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
