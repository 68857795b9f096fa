"""What a measured process tells of itself; standard library only, since peers run in environments of their own."""

import json
import resource
import sys
from collections.abc import Mapping
from pathlib import Path


def tell(counts: Mapping[str, int], stages: Mapping[str, float], version: str = "") -> None:
    """Print a run as JSON: rows, seconds by stage, and the most memory that this process has had."""
    print(json.dumps({"counts": counts, "stages": stages, "peak_mb": peak_mb(), "version": version}))


def peak_mb() -> float:
    """Return the most memory this process has had, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss of a new process begins with that of whoever started it.
        return (
            float(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
