"""On what was measured: processor, memory and versions, for whoever compares figures of two days."""

import os
import platform
import subprocess
from pathlib import Path

from benchmarks.databases import program


def describe_machine() -> dict[str, str]:
    """Return what the figures depend on."""
    version = subprocess.run([program("postgres"), "--version"], stdout=subprocess.PIPE, text=True, check=True)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory / 2**30:.0f} GB",
        "python": platform.python_version(),
        "postgresql": version.stdout.strip().replace("postgres (PostgreSQL)", "PostgreSQL"),
    }


def _cpu() -> str:
    """Return the processor's own name; only Linux tells it in a file."""
    told = Path("/proc/cpuinfo")
    names = (
        [line.partition(":")[2] for line in told.read_text().splitlines() if line.startswith("model name")]
        if told.exists()
        else []
    )
    return " ".join(names[0].split()) if names else platform.machine()
