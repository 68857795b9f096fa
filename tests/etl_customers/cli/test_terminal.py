"""What only a terminal shows: the progress bar, and lists in few columns."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("etl-customers")


def _on_a_terminal(*words: object, columns: int = 100) -> str:
    """Run the program on a terminal of its own and return what was shown there, without its escapes."""
    ours, its = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    done = subprocess.Popen([PROGRAM, *map(str, words)], stdin=its, stdout=its, stderr=its, env=environment)
    os.close(its)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert done.wait() == 0, shown
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def test_the_bar_fills_while_passwords_are_hashed(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    rows = [f"Ann{n},Lee,Sydney,AU,ann{n}@example.com,horse-{n}\n" for n in range(12)]
    file.write_text("first_name,last_name,city,country,email,password\n" + "".join(rows), encoding="utf-8")
    shown = _on_a_terminal("import", file, "--home", tmp_path / "home")
    hashing = [line for line in re.split(r"[\r\n]+", shown) if "hashing passwords" in line]
    assert hashing
    assert all(re.search(r"\d:\d\d:\d\d", line) for line in hashing), "the bar was not started: it cannot fill"


def test_import_ids_stay_in_one_piece_on_a_narrow_terminal(imported: tuple[Path, Path]) -> None:
    shown = _on_a_terminal("imports", "--home", imported[0], columns=60)
    assert re.search(r"csv-\d{8}T\d{6}Z-[0-9a-f]{8} ", shown)
