r"""Virtual environments to measure in, made at their first use from pinned versions with hashes, then kept.

Each peer has its own, and so has the command as its users have it: without what only developers install.

To move a peer to newer versions, change its ``requirements.in`` and run, without naming any index:

    uv pip compile benchmarks/peers/NAME/requirements.in --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-annotate --no-header \
        --output-file benchmarks/peers/NAME/requirements.txt
"""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import CannotMeasure

DEFAULT = Path.home() / ".cache" / "etl-customers" / "peers"
_ROOT = Path(__file__).parents[1]


def python_of(peer: str, folder: Path, *, installs: bool) -> str:
    """Return the Python of a peer's environment.

    Args:
        peer: Name of its package.
        folder: Where environments are kept.
        installs: Make the environment where it is missing or of other versions.

    Raises:
        CannotMeasure: It is not there, and cannot or may not be made.
    """
    return _python_in(folder / peer, _ROOT / "benchmarks" / "peers" / peer / "requirements.txt", (), installs=installs)


def python_of_users(folder: Path, *, installs: bool) -> str:
    """Return the Python of an environment as ``make import`` makes it.

    In that of developers Pandera imports hypothesis too, because it is there.
    Arguments and errors are those of ``python_of``.
    """
    ours = ("--no-deps", "--no-build-isolation", "--editable", str(_ROOT))
    return _python_in(folder / "users", _ROOT / "requirements.lock", ours, installs=installs)


def _python_in(place: Path, requirements: Path, more: Sequence[str], *, installs: bool) -> str:
    python = place / "bin" / "python"
    made_of = [requirements.read_text(), sys.version, *more]
    wanted = hashlib.sha256("\0".join(made_of).encode()).hexdigest()
    stamp = place / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return str(python)
    if not installs:
        raise CannotMeasure(f"not installed in {place.parent}; a run without --quick installs it")
    print(f"  installing {place.name} into {place}", file=sys.stderr, flush=True)
    _run([sys.executable, "-m", "venv", "--clear", str(place)])
    install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet"]
    _run([*install, "--require-hashes", "--requirement", str(requirements)])
    if more:
        _run([*install, *more])
    stamp.write_text(wanted)
    return str(python)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        last = done.stdout.strip().splitlines()[-1:] or ["it said nothing"]
        raise CannotMeasure(f"cannot be installed: {last[0]}")
