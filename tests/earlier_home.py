"""Makes a small home as one version of the program leaves it: tests/data keeps one, and later versions must open it.

Run by the version whose home is wanted, after a change of the target's tables:
``python -m tests.earlier_home FOLDER``, then pack FOLDER without ``dagster/`` as tests/data/home-of-VERSION.tar.xz.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import open_installation
from etl_customers.imports.stages import run_raw_csv, run_validated_customers
from etl_customers.settings.home import Home

SETTINGS = """[company]
name = "Old Co"
country = "AU"
city = "Sydney"

[csv.aliases]
Vorname = "first_name"
"""
FIRST = """first_name,last_name,email,mobile,street_address,city,state,postcode,country,password,Loyalty,Pet: Name,Pet 2: Name
Ann,Ash,ann@example.com,0491 570 156,1 High St,Sydney,NSW,2000,AU,secret one,Gold,Rex,Tom
Sean,O'Neil,,,2 High St,Sydney,NSW,2000,AU,,,,
Sean,O’Neil,,,2 High St,Sydney,NSW,2000,AU,,,,
Zoë,Nguyễn,,,3 High St,Sydney,NSW,2000,AU,,Silver,,
Bob,,bob@example.com,,4 High St,Sydney,NSX,2000,AU,secret two,,,
Ann,Again,ANN@example.com,,1 High St,Sydney,NSW,2000,AU,,,,
"""
UNDONE = "first_name,last_name,email,city,country\nUna,Undone,una@example.com,Perth,AU\n"
UNDER_WAY = """first_name,last_name,email,city,state,country,password
Eve,Early,eve@example.com,Perth,WA,AU,secret three
Ann,Twice,ann@example.com,Perth,WA,AU,
Kim,,kim@example.com,Perth,WA,AU,
"""


def make(folder: Path, files: Path) -> None:
    """Fill a folder: a finished import with failed rows, one that was undone, and one that stopped after validation."""
    folder.mkdir(mode=0o700)
    (folder / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    for name, text in (("first.csv", FIRST), ("undone.csv", UNDONE), ("underway.csv", UNDER_WAY)):
        (files / name).write_text(text, encoding="utf-8")
    command(folder, "fields", "add", "Loyalty")
    command(folder, "properties", "add", "Pet")
    command(folder, "properties", "add", "pet", "Name")
    command(folder, "import", str(files / "first.csv"))
    command(folder, "undo", json.loads(command(folder, "import", str(files / "undone.csv"), "--json"))["import_id"])
    installation = open_installation(Home(folder))
    import_id = accept_upload(installation, files / "underway.csv").record.import_id
    run_raw_csv(installation, import_id)
    run_validated_customers(installation, import_id)
    installation.target.dispose()


def command(folder: Path, *arguments: str) -> str:
    """Run the program on the home and return what it printed; 1 means that some rows failed."""
    program = Path(sys.executable).with_name("etl-customers")
    run = [str(program), *arguments, "--home", str(folder)]
    done = subprocess.run(run, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        make(Path(sys.argv[1]), Path(temporary))
