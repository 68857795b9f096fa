"""The Dagster home inside our home: written once, quiet, never phoning anywhere, and it cleans up by itself."""

import fcntl
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import sqlalchemy.exc
import yaml

from etl_customers.errors import DiskUnavailable, SettingsInvalid
from etl_customers.settings import Home

LOCATION = "etl_customers"
"""Name of the code location: the same in every workspace file and in every run that the command line starts."""

DAGSTER_YAML = """\
# Written once by etl-customers; change what you like, it is not written again.
telemetry:
  enabled: false
nux:
  enabled: false
# Output of steps is not captured: nothing that a library prints is kept.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
# A run whose process died is given up after a while and frees its slot.
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  cancel_timeout_seconds: 120
  max_runtime_seconds: 14400
  poll_interval_seconds: 60
  free_slots_after_run_end_seconds: 300
retention:
  schedule:
    purge_after_days: 30
  sensor:
    purge_after_days:
      skipped: 7
      failure: 30
      success: 30
"""


def make_dagster_home(home: Home) -> Path:
    """Write ``dagster.yaml`` where there is none and return the Dagster home.

    Raises:
        DiskUnavailable: The folder or the file cannot be written.
    """
    path = home.make().dagster / "dagster.yaml"
    if not path.exists():
        _write(path, DAGSTER_YAML)
    return path.parent


def write_workspace(home: Home) -> Path:
    """Write the workspace file for the web server and the daemon on this home and return its path.

    Raises:
        DiskUnavailable: The file cannot be written.
    """
    folder = make_dagster_home(home)
    # Dagster looks for modules in the working directory first, and its default is the user's, where
    # a folder called assets would be taken for ours. YAML reads JSON.
    module = {"module_name": "assets.definitions", "location_name": LOCATION, "working_directory": str(folder)}
    _write(folder / "workspace.yaml", json.dumps({"load_from": [{"python_module": module}]}, indent=2) + "\n")
    return folder / "workspace.yaml"


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's storage on this home.

    The first process to come makes the storage; a lock holds the others back until then,
    because Dagster's own making of it is not safe to do twice at once.

    Raises:
        SettingsInvalid: ``dagster.yaml``, which a user may change, cannot be used.
        DiskUnavailable: The storage cannot be made, read or written.
    """
    folder = make_dagster_home(home)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dagster's notices about itself are not for the user of a command
        try:
            with _locked(folder / "storage.lock"):
                instance = dg.DagsterInstance.from_config(str(folder))
                instance.get_runs(limit=1)
                instance.get_dynamic_partitions("imports")
            with instance:
                yield instance
        except (yaml.YAMLError, dg.DagsterInvalidConfigError) as error:
            raise SettingsInvalid(
                (f"{folder / 'dagster.yaml'} is no configuration of Dagster's{_place(error)}",)
            ) from None
        except (sqlalchemy.exc.DBAPIError, OSError) as error:
            raise DiskUnavailable(folder, _reason(error)) from None


def _write(path: Path, text: str) -> None:
    try:
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be written") from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return "; delete it to have it written anew" if mark is None else f", see line {mark.line + 1}"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "Dagster's storage there cannot be read or written"
