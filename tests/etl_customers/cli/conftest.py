"""The command line in this process, on homes of its own; one home with an import that many tests look at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from etl_customers.cli import main
from etl_customers.database.connect import connect
from etl_customers.settings.home import Home
from tests.environment import keep_only_ours

FILE = (
    "customer_title,first_name,last_name,business_name,email,mobile,street_address,state,city,country,date_joined\n"
    "Ms,Olivia,[bold]Nguyen,,olivia@example.com,0491570006,14 Wattle Grove,NSW,,AU,2018/05/12\n"
    "Mr,Jack,Null,,jack@example.net,0491570156,2 High St,NSW,Sydney,AU,\n"
    "Mx,Noah,Gray,,noah@example,,3 High St,Quensland,Cairns,AU,25/05/2018\n"
    "Mr,Jack,Twice,,JACK@EXAMPLE.NET,,4 High St,NSW,Sydney,AU,\n"
    ",,,,,,,,,,\n"
    "Mr,Left,Out,,out@example.com,,5 High St,NSW,Sydney,AU,\n"
)


@dataclass(frozen=True)
class Outcome:
    """What a command gave back."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@contextmanager
def target_of(home: Path) -> Iterator[Engine]:
    """Open the embedded target of a home that a command has made, and close it afterwards."""
    target = connect(f"sqlite:///{Home(home).embedded_database}")
    try:
        yield target
    finally:
        target.dispose()


@pytest.fixture(autouse=True)
def _only_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_only_ours(monkeypatch)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that is not there yet."""
    return tmp_path / "home"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], home: Path) -> Run:
    """Run a command on this test's home, or on ``at``."""

    def run_command(*words: object, at: Path | None = None) -> Outcome:
        capsys.readouterr()
        code = main([*map(str, words), "--home", str(at or home)])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run_command


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home into which a file was imported, and that file; tests only look at them."""
    folder = tmp_path_factory.mktemp("imported")
    file = folder / "customers.csv"
    file.write_text(FILE, encoding="utf-8")
    main(["import", str(file), "--home", str(folder / "home"), "--json"])
    return folder / "home", file


@pytest.fixture
def record(imported: tuple[Path, Path], run: Run) -> dict[str, Any]:
    """The result of that import as ``--json`` prints it."""
    import json

    home, file = imported
    found: dict[str, Any] = json.loads(run("import", file, "--json", at=home).out)
    return found
