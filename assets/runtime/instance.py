"""The Dagster home inside our home: quiet, never phoning anywhere, it cleans up and recovers by itself."""

import hashlib
import json
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import sqlalchemy.exc
import yaml

from assets.runtime.partitions import IMPORTS
from etl_customers.base.errors import DiskUnavailable, SettingsInvalid
from etl_customers.base.folder_lock import locked_folder
from etl_customers.base.private_files import write_private
from etl_customers.settings.home import Home

LOCATION = "etl_customers"
"""Name of the code location: the same in every workspace file and in every run that the command line starts."""

DAGSTER_YAML = """\
# Written by etl-customers. You may change it: no version overwrites a file that was changed.
telemetry:
  enabled: false
nux:
  enabled: false
# Output of steps is not captured: nothing that a library prints is kept.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
# A run whose process died is found and ended within minutes, and frees its slot.
# (The sensor dead_runs does the part that needs to know which process was whose.)
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  cancel_timeout_seconds: 120
  max_runtime_seconds: 14400
  poll_interval_seconds: 30
  free_slots_after_run_end_seconds: 300
# A run whose process died is re-executed from the step that it was in. A run that failed with an error
# is not: it would fail again.
run_retries:
  enabled: true
  max_retries: 2
  retry_on_asset_or_op_failure: false
concurrency:
  runs:
    max_concurrent_runs: 2
# A run waits for code that is being loaded, rather than fail.
run_queue:
  dequeue_interval_seconds: 2
  max_user_code_failure_retries: 20
  user_code_failure_retry_delay: 15
# No sensor waits for another.
sensors:
  use_threads: true
  num_workers: 4
# Nothing here is materialized by conditions.
auto_materialize:
  enabled: false
  use_sensors: false
freshness:
  enabled: true
# A sensor that looks every ten seconds and sees nothing leaves a tick each time.
retention:
  schedule:
    purge_after_days: 30
  sensor:
    purge_after_days:
      skipped: 1
      failure: 30
      success: 30
"""

_EARLIER_DAGSTER_YAMLS = frozenset(
    {
        "71d74ac03850906c6673560d438dc72d2db34b933c27ac79ae20519cc41f9083",
        "0b00a1612eddce258a2e1c62dc20e9de0ac457eb64a8a266848895cf71d0f038",
        "7cadc05be657b6a02411a6682ad52547524a13a5f6f05ca42df785b60c3000ea",
    }
)
"""SHA-256 of each ``dagster.yaml`` that an earlier version wrote: such a file is nobody's work."""


def make_dagster_home(home: Home) -> Path:
    """Write ``dagster.yaml`` where there is none, or an earlier one of ours, and return the Dagster home.

    Raises:
        DiskUnavailable: The folder or the file cannot be read or written.
    """
    path = home.make().dagster / "dagster.yaml"
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        found = None
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be read") from None
    if found is None or hashlib.sha256(found).hexdigest() in _EARLIER_DAGSTER_YAMLS:
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
            with locked_folder(folder):
                instance = _open(folder)
            with instance:
                yield instance
        except (yaml.YAMLError, dg.DagsterInvalidConfigError) as error:
            raise SettingsInvalid(
                (f"{folder / 'dagster.yaml'} is not a valid Dagster configuration{_place(error)}",)
            ) from None
        except (sqlalchemy.exc.DBAPIError, OSError) as error:
            raise DiskUnavailable(folder, _reason(error)) from None


def _open(folder: Path) -> dg.DagsterInstance:
    """Open the storage and ask it something, so that what is wrong with it is found here."""
    try:
        instance = dg.DagsterInstance.from_config(str(folder))
        instance.get_runs(limit=1)
        instance.get_dynamic_partitions(IMPORTS)
    except Exception as error:
        # dagster-postgres, which need not be installed, wraps what its server said in a class of its own.
        if not isinstance(error.__cause__, sqlalchemy.exc.DBAPIError):
            raise
        raise DiskUnavailable(folder, "the database that dagster.yaml names does not answer") from None
    return instance


def _write(path: Path, text: str) -> None:
    try:
        write_private(path, text.encode())
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be written") from None


def _place(error: Exception) -> str:
    if missing := re.search(r'environment variable "(\w+)" which is not set', str(error)):
        return f" without the environment variable {missing[1]}; set it and run again"
    mark = getattr(error, "problem_mark", None)
    return "; delete it, and it is written again" if mark is None else f", see line {mark.line + 1}"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "Dagster's storage there cannot be read or written"
