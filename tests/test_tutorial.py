"""The tutorial is followed to the letter: its commands run in order as they stand, and print what it shows.

Ids of imports, times and durations are another each day: they are compared by their form. A line ``…`` stands for any
lines, and ``…`` in a line for the rest of it. The one command that does not end gets a free port.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/tutorial.md").read_text("utf-8")
_BLOCK = re.compile(r"^```sh\n(?P<commands>.*?)^```\n(?:\n```text\n(?P<shown>.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_UI = "etl-customers ui"
_DONE = "the block is done:"
_MASKS = (
    (re.compile(r"csv-\d{8}T\d{6}Z-[0-9a-f]{8}"), "<import>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC"), "<time>"),
    (re.compile(r"\b\d+\.\d s\b"), "<seconds>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<address>"),
)
_OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "VENV", "PYTHON")


@dataclass
class Reader:
    """Who follows the tutorial: a shell in a copy of the project, with an empty home folder."""

    shell: "subprocess.Popen[str]"
    environment: dict[str, str]

    def run(self, commands: str) -> tuple[str, int]:
        """Run a block of commands as it stands; return what it prints, and its exit code."""
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f"{{\n{commands}}} 2>&1 </dev/null; echo '{_DONE}' $?\n")
        self.shell.stdin.flush()
        lines: list[str] = []
        for line in self.shell.stdout:
            if line.startswith(_DONE):
                return "".join(lines), int(line.removeprefix(_DONE))
            lines.append(line)
        raise AssertionError("the shell ended: " + "".join(lines))

    def open_ui(self) -> str:
        """Open the UI in the folder that the shell is in, look at its first page, end it; return what it printed."""
        folder, _ = self.run("pwd\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [*_UI.split(), "--port", str(port)]
        with subprocess.Popen(
            command, cwd=folder.strip(), env=self.environment, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                said = process.stdout.readline()
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
                    assert "dagster" in page.read().decode().lower()
            finally:
                process.terminate()
        return said


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A shell in a folder that has of the project what the tutorial uses, installed as here."""
    project, person = tmp_path / "project", tmp_path / "person"
    person.mkdir()
    (project / ".venv").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "examples"):
        (project / name).symlink_to(ROOT / name)
    (project / ".venv/bin").symlink_to(Path(sys.executable).parent)
    stamp = 'echo "$(pwd) $(cat pyproject.toml requirements.lock | cksum)" >.venv/requirements.lock.stamp'
    subprocess.run(stamp, shell=True, cwd=project, check=True)  # noqa: S602 - as the Makefile does
    ours = (*_OF_MAKE, "COLUMNS")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("ETL_CUSTOMERS_") and name not in ours
    }
    environment |= {"HOME": str(person), "LC_ALL": "C.UTF-8"}
    bash = shutil.which("bash")
    assert bash is not None
    with subprocess.Popen(
        [bash, "--noprofile", "--norc"],
        cwd=project,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as shell:
        path = f"{project / '.venv/bin'}{os.pathsep}{environment['PATH']}"
        yield Reader(shell, environment | {"PATH": path})


def test_the_tutorial_does_what_it_says(reader: Reader, tmp_path: Path) -> None:
    blocks = list(_BLOCK.finditer(PAGE))
    assert len(blocks) == PAGE.count("```sh\n") == 12
    for block in blocks:
        commands, shown = block["commands"], block["shown"] or "…\n"
        said, code = (reader.open_ui(), 0) if commands.strip() == _UI else reader.run(commands)
        assert code in (0, 1), f"{commands}\n{said}"  # 1: loaded, but some rows failed
        assert _pattern(shown).fullmatch(_plain(said)), (
            f"after:\n{commands}\nthe page shows:\n{shown}\nand not:\n{said}"
        )
    assert list((tmp_path / "person").iterdir()) == []


def _plain(text: str) -> str:
    """Return lines without blanks at their ends, and without what is another each day."""
    for found, mask in _MASKS:
        text = found.sub(mask, text)
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def _pattern(shown: str) -> re.Pattern[str]:
    lines = [
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + "\n"
        for line in _plain(shown).splitlines()
    ]
    return re.compile("".join(lines))
