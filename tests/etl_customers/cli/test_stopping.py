import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("etl-customers")


@pytest.mark.parametrize(("number", "after_seconds"), [(signal.SIGINT, 1.0), (signal.SIGTERM, 2.0)])
def test_a_stopped_import_ends_as_stopped_and_never_as_a_bug(tmp_path: Path, number: int, after_seconds: float) -> None:
    file = tmp_path / "customers.csv"
    rows = "".join(f"Ann{row},Lee{row},Sydney,AU,Secret{row}\n" for row in range(1500))
    file.write_text("first_name,last_name,city,country,password\n" + rows)
    command = [str(PROGRAM), "import", str(file), "--home", str(tmp_path / "home")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(after_seconds)
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 128 + number, said
    assert said.strip() in (
        "stopped; the same command may be run again",
        "stopped; nothing is loaded, the same command may be run again",
    )
    assert list((tmp_path / "home").glob("uploads/*")) == []
