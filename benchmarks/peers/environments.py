r"""The virtual environment of each peer: made at its first use from pinned versions with hashes, then kept.

To move a peer to newer versions, change its ``requirements.in`` and run, without naming any index:

    uv pip compile benchmarks/peers/NAME/requirements.in --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-annotate --no-header \
        --output-file benchmarks/peers/NAME/requirements.txt
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import CannotMeasure

DEFAULT = Path.home() / ".cache" / "etl-customers" / "peers"


def python_of(peer: str, folder: Path, *, installs: bool) -> str:
    """Return the Python of a peer's environment.

    Args:
        peer: Name of its package beside this module.
        folder: Where environments are kept.
        installs: Make the environment where it is missing or of other versions.

    Raises:
        CannotMeasure: It is not there, and cannot or may not be made.
    """
    requirements = Path(__file__).with_name(peer) / "requirements.txt"
    place = folder / peer
    python = place / "bin" / "python"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    stamp = place / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return str(python)
    if not installs:
        raise CannotMeasure(f"not installed in {folder}; a run without --quick installs it")
    print(f"  installing {peer} into {place}", file=sys.stderr, flush=True)
    _run([sys.executable, "-m", "venv", "--clear", str(place)])
    quiet = ["--disable-pip-version-check", "--no-input", "--quiet"]
    _run([str(python), "-m", "pip", "install", *quiet, "--require-hashes", "--requirement", str(requirements)])
    stamp.write_text(wanted)
    return str(python)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        last = done.stdout.strip().splitlines()[-1:] or ["it said nothing"]
        raise CannotMeasure(f"cannot be installed: {last[0]}")
