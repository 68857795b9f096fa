import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from etl_customers.cli import main
from etl_customers.imports import accepting, stages
from etl_customers.imports.installation import open_installation
from etl_customers.settings.home import Home

PROGRAM = Path(sys.executable).with_name("etl-customers")


@pytest.fixture(autouse=True)
def obeyed() -> Iterator[None]:
    """Obey both signals: whoever runs the tests, or a test before these, may have them ignored, and that is inherited."""
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, signal.SIG_DFL),
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "after_seconds"), [(signal.SIGINT, 0.1), (signal.SIGTERM, 1.0)])
def test_a_stopped_import_ends_as_stopped_and_never_as_a_bug(tmp_path: Path, number: int, after_seconds: float) -> None:
    file = tmp_path / "customers.csv"
    rows = "".join(f"Ann{row},Lee{row},Sydney,AU,Secret{row}\n" for row in range(1500))
    file.write_text("first_name,last_name,city,country,password\n" + rows)
    command = [str(PROGRAM), "import", str(file), "--home", str(tmp_path / "home")]
    # Whoever runs the tests in the background has SIGINT ignored, and what ignores it is left alone.
    obey = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=obey
    ) as process:
        while process.poll() is None and not (tmp_path / "home/uploads").exists():
            time.sleep(0.01)
        time.sleep(after_seconds)
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 128 + number, said
    assert said.strip() in (
        "stopped; you can run the same command again",
        "stopped; nothing was loaded; you can run the same command again",
    )
    assert list((tmp_path / "home").glob("uploads/*")) == []


def test_a_stop_takes_nothing_from_an_import_that_the_inbox_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, home = tmp_path / "customers.csv", tmp_path / "home"
    file.write_text("first_name,last_name,city,country\nAnn,Lee,Sydney,AU\n", encoding="utf-8")
    installation = open_installation(Home(home))
    begun = accepting.accept_upload(installation, file, accepted_by="inbox").record
    installation.target.dispose()
    monkeypatch.setattr(
        "assets.automation.launch.run_import_job", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)
    )
    assert main(["import", str(file), "--home", str(home)]) == 143
    assert "in another process, which continues" in capsys.readouterr().err
    assert installation.upload_path(begun.import_id).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "module", ["etl_customers.cli.running", "typer", "etl_customers.cli.app", "importlib.metadata"]
)
def test_a_stop_while_python_still_imports_is_one_line(module: str, number: int) -> None:
    code = f"""
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Stopping:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {int(number)})
sys.modules.pop("importlib.metadata", None)
sys.meta_path.insert(0, Stopping())
from etl_customers.cli import main
sys.exit(main(["--version"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (128 + number, "stopped; you can run the same command again")


def test_little_is_imported_before_a_stop_is_one_line() -> None:
    code = "import sys; before = set(sys.modules); import etl_customers.cli; print(len(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 40


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_that_python_drops_within_a_callback_is_obeyed_at_the_next_stage(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("first_name,last_name,city,country\nAnn,Lee,Sydney,AU\n", encoding="utf-8")
    read = stages.run_raw_csv

    def read_and_drop(*arguments: Any) -> Any:
        with suppress(BaseException):  # as Python does in a finalizer
            os.kill(os.getpid(), number)
        return read(*arguments)

    monkeypatch.setattr("assets.raw_csv.run_raw_csv", read_and_drop)
    monkeypatch.setattr(signal, "SIG_IGN", object())  # whoever runs the tests in the background has SIGINT ignored
    assert main(["import", str(file), "--home", str(tmp_path / "home")]) == 128 + number
    assert capsys.readouterr().err.strip() == "stopped; nothing was loaded; you can run the same command again"
    assert list((tmp_path / "home").glob("uploads/*")) == []
