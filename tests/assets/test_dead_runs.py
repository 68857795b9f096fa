"""A command line that is killed leaves no run behind that seems to go on for ever."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg

from assets.instance import open_instance
from assets.launch import run_import_job
from etl_customers.imports import accept_upload
from etl_customers.workshop import Workshop


def test_the_run_of_a_killed_command_is_ended_by_the_next_one(
    workshop: Workshop, import_id: str, tmp_path: Path
) -> None:
    # The password keeps the command busy: the file has more than can be hashed in a moment.
    slow = tmp_path / "slow.csv"
    rows = "".join(f"A,B,C,slow{n}@example.com,secret\n" for n in range(2_000))
    slow.write_text(f"first_name,last_name,city,email,password\n{rows}", encoding="utf-8")
    program = str(Path(sys.executable).with_name("etl-customers"))
    process = subprocess.Popen([program, "import", str(slow), "--home", str(workshop.home.path)])
    deadline = time.monotonic() + 60
    with open_instance(workshop.home) as instance:
        while not instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        (killed,) = instance.get_runs()
        assert run_import_job(workshop.home, import_id).success
        ended = instance.get_run_by_id(killed.run_id)
        assert ended is not None
        assert ended.status == dg.DagsterRunStatus.FAILURE
    assert not accept_upload(workshop, slow).is_repeat
