"""The story that the pictures tell: the example is imported, three rows are corrected and imported again.

The program runs as it does for anyone, in a folder of its own. What differs from one day to the next is made the same:
ids of imports, times, durations. Nothing else is changed.
"""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = ".etl-customers"
IMPORT = "etl-customers import customers.csv"
CORRECT = (
    "sed -e 's/Quensland/Queensland/' -e 's|23/08/2017|2017/08/23|'"
    " -e 's/Colorodo/Colorado/' -e 's|2019-07-04|2019/07/04|' .etl-customers/failed/csv-*.csv >corrected.csv"
)
IMPORT_CORRECTED = "etl-customers import corrected.csv"
_COLUMNS = 112
_IDS = ("csv-20261201T090000Z-68f83185", "csv-20261201T091500Z-5d1e0a27")
_ID = re.compile(r"csv-\d{8}T\d{6}Z-[0-9a-f]{8}")
_SECONDS = re.compile(r"\b\d+\.\d s\b")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class CommandFailed(Exception):
    """A command of the story did not do what it does there."""

    def __init__(self, command: str, code: int, said: str) -> None:
        super().__init__(command, code, said)
        self.command, self.code, self.said = command, code, said

    def __str__(self) -> str:
        """Which command, and what it said."""
        return f"{self.command} ended with {self.code}:\n{self.said}"


@dataclass
class Story:
    """A folder in which commands of the tutorial are run."""

    folder: Path
    ids: dict[str, str] = field(default_factory=dict)
    """What stands for each id of an import, in the order in which they came."""

    def begin(self) -> "Story":
        """Make the folder ready: the example is in it, and the company's country is known."""
        shutil.copy(ROOT / "examples/customers.csv", self.folder)
        self.run("etl-customers settings set company.country Australia", expected=0)
        return self

    @property
    def environment(self) -> dict[str, str]:
        """The environment of all commands: none of our variables, and the program on the path."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ETL_CUSTOMERS_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
        return kept | {"PATH": path, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}

    def run(self, command: str, expected: int) -> str:
        """Run a command of the shell with a terminal as its output, and return what it printed there, colours and all.

        Raises:
            CommandFailed: Its exit code is another.
        """
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, _COLUMNS, 0, 0))
        environment = {name: value for name, value in self.environment.items() if name not in ("COLUMNS", "NO_COLOR")}
        with subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.PIPE,  # where progress is shown, which would be overwritten on a terminal
        ) as process:
            os.close(theirs)
            said = _read_all(ours)
            assert process.stderr is not None
            complaint = process.stderr.read().decode()
        if process.returncode != expected:
            raise CommandFailed(command, process.returncode, said + complaint)
        return self.steady(said)

    def steady(self, text: str) -> str:
        """Return a text with ids and durations that are the same each time."""
        for found in _ID.findall(text):
            self.ids.setdefault(found, _IDS[len(self.ids) % len(_IDS)])
        return _SECONDS.sub("4.2 s", _ID.sub(lambda found: self.ids[found[0]], text))


def plain(text: str) -> str:
    """Return a text without its colours, and without blanks at the ends of lines."""
    return "\n".join(line.rstrip() for line in _ESCAPES.sub("", text).splitlines())


def _read_all(descriptor: int) -> str:
    chunks = []
    while True:
        try:
            chunk = os.read(descriptor, 65_536)
        except OSError:  # EIO: so Linux says that nobody has the other end any more
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(descriptor)
    return b"".join(chunks).decode().replace("\r\n", "\n")
