"""What a customer's row holds is in the target, in staging and in the failed-rows file, and nowhere else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PASSWORDS = ("Canary-pass-1", "Canary-pass-2")
PERSONAL = ("Canaryfirst", "Canarylast", "canary.mail", "491570156", "Canarystreet", "Canaryfile", "Canarystate")
FILE = (
    "first_name,last_name,email,mobile,password,street_address,state,city,date_joined\n"
    "Canaryfirst,Canarylast,canary.mail@example.com,0491570156,Canary-pass-1,Canarystreet 1,NSW,Sydney,2020/01/31\n"
    "Canaryfirst,Canarylast,canary.mail@example.com,,Canary-pass-2,Canarystreet 2,NSW,Sydney,\n"
    "Canaryfirst,,canary.mail@,491570156999999,Canary-pass-2,Canarystreet 3,Canarystate,,31/01/2020 Canarylast\n"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that does not exist yet."""
    return tmp_path / "home"


def run(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    command = [str(Path(sys.executable).with_name("etl-customers")), *map(str, arguments)]
    environment = {**os.environ, "ETL_CUSTOMERS_HOME": str(home), "ETL_CUSTOMERS_COMPANY__COUNTRY": "AU"}
    environment.pop("ETL_CUSTOMERS_DATABASE_URL", None)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def files_with(folder: Path, words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the name of each file below a folder, with the word that its bytes or its own name hold."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes() + str(path.relative_to(folder)).encode()
        yield from ((str(path.relative_to(folder)), word) for word in words if word.encode() in content)


def write(tmp_path: Path, text: str) -> Path:
    """Write the upload outside of the home."""
    path = tmp_path / "Canaryfile.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_finished_import_leaves_nothing_personal_in_dagsters_storage_and_no_password_anywhere(
    home: Path, tmp_path: Path
) -> None:
    done = run(home, "import", write(tmp_path, FILE))
    assert done.returncode == 1, done.stderr
    assert (home / "dagster").is_dir()
    assert not list(files_with(home / "dagster", PERSONAL))
    assert not list(files_with(home, PASSWORDS))
    assert not list(files_with(home / "uploads", PERSONAL))
    assert not [word for word in PASSWORDS if word in done.stdout + done.stderr]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (FILE.replace("street_address", "Canarystreet"), ("Canarystreet",)),
        (FILE.replace("first_name,last_name", "Canaryfirst,Canarylast"), ("Canaryfirst", "Canarylast")),
        (FILE.replace(",Canary-pass-1,", ',"Canary-pass-1,'), ()),
        (FILE.partition("\n")[2], ()),
        (FILE + "Canaryfirst,Canarylast\n", ()),
    ],
    ids=["unknown column", "unknown columns", "broken quotes", "no header", "ragged row"],
)
def test_a_refused_import_leaves_nothing_personal_but_the_headers_it_names(
    home: Path, tmp_path: Path, text: str, named: tuple[str, ...]
) -> None:
    done = run(home, "import", write(tmp_path, text))
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not list(files_with(home / "dagster", tuple(word for word in PERSONAL if word not in named)))
    assert not list(files_with(home, PASSWORDS))
    assert not list((home / "uploads").iterdir())
    assert not [word for word in (*PASSWORDS, "canary.mail", "491570156") if word in done.stdout + done.stderr]
