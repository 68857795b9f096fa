"""The Dagster home: its ``dagster.yaml`` is ours until somebody changes it, and Dagster reads it as it is meant."""

import pytest
from dagster._core.run_coordinator import QueuedRunCoordinator

from assets.runtime.instance import DAGSTER_YAML, make_dagster_home, open_instance
from etl_customers.imports.installation import Installation
from etl_customers.settings.home import Home

FIRST_VERSION = """\
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


def home_with(installation: Installation, text: str) -> Home:
    """Return a home whose ``dagster.yaml`` has this text."""
    (installation.home.dagster / "dagster.yaml").write_text(text, encoding="utf-8")
    return installation.home


def test_a_file_that_an_earlier_version_wrote_is_written_anew(installation: Installation) -> None:
    folder = make_dagster_home(home_with(installation, FIRST_VERSION))
    assert (folder / "dagster.yaml").read_text(encoding="utf-8") == DAGSTER_YAML


@pytest.mark.parametrize("text", [FIRST_VERSION + "# mine\n", "telemetry: {enabled: false}\n", ""])
def test_a_file_that_a_person_changed_stays(installation: Installation, text: str) -> None:
    folder = make_dagster_home(home_with(installation, text))
    assert (folder / "dagster.yaml").read_text(encoding="utf-8") == text


def test_dagster_reads_what_is_meant(installation: Installation) -> None:
    with open_instance(installation.home) as instance:
        assert isinstance(instance.run_coordinator, QueuedRunCoordinator)
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs == 2
        assert (instance.run_retries_enabled, instance.run_retries_max_retries) == (True, 2)
        assert not instance.run_retries_retry_on_asset_or_op_failure
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_start_timeout_seconds + instance.run_monitoring_poll_interval_seconds < 600
        assert not instance.telemetry_enabled
        assert set(instance.get_required_daemon_types()) == {
            "SENSOR",
            "BACKFILL",
            "SCHEDULER",
            "QUEUED_RUN_COORDINATOR",
            "MONITORING",
            "EVENT_LOG_CONSUMER",
            "FRESHNESS_DAEMON",
        }


def test_a_file_that_is_no_configuration_is_named(installation: Installation) -> None:
    from etl_customers.base.errors import SettingsInvalid

    with (
        pytest.raises(SettingsInvalid, match=r"dagster\.yaml"),
        open_instance(home_with(installation, "telemetry: 3\n")),
    ):
        pass
