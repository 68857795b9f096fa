"""Alerts reach a webhook and a log file, whole, without anything personal, and nothing is hidden where they do not."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from etl_customers.database.connect import reading
from etl_customers.database.ledger import find_import
from etl_customers.imports.accepting import accept_upload
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.imports.whole import run_import
from etl_customers.report.alerts import Alert, Event, alert_of_failed_rows, alert_of_failed_run, is_on, send
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Alerts

SECRET = "T0KEN-of-the-hook"
ALERT = Alert(Event.RUN_FAILED, "0123456789abcdef", "delete_expired", "the disk is full")


@dataclass
class Hook:
    """A webhook on loopback that answers with ``codes`` in turn, the last one for ever."""

    codes: list[int] = field(default_factory=lambda: [200])
    pause: threading.Event | None = None
    asked: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/{SECRET}"


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A running webhook."""
    with running(Hook()) as one:
        yield one


@contextmanager
def running(hook: Hook) -> Iterator[Hook]:
    """Serve a hook on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            hook.asked.append((self.path, json.loads(body)))
            if hook.pause is not None:
                hook.pause.wait(20)
            code = hook.codes.pop(0) if len(hook.codes) > 1 else hook.codes[0]
            self.send_response(code)
            self.send_header("location", f"http://127.0.0.1:{hook.port}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield hook
    if hook.pause is not None:
        hook.pause.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that is made."""
    return Home(tmp_path / "home").make()


def settings(url: str | None = None, log_file: str | None = None) -> Alerts:
    return Alerts.model_validate({"webhook_url": url, "log_file": log_file})


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_alerts_are_off_unless_somebody_is_named(hook: Hook, home: Home) -> None:
    assert not is_on(Alerts())
    assert is_on(settings(hook.url))
    assert is_on(settings(log_file="alerts.jsonl"))


def test_an_alert_is_posted_as_json_with_a_sentence_for_chat_tools(hook: Hook, home: Home) -> None:
    delivery = send(ALERT, settings(hook.url), home)
    assert (delivery.delivered, delivery.problems) == (("webhook",), ())
    [(path, body)] = hook.asked
    assert path == f"/services/{SECRET}"
    assert body["text"] == "Run 01234567 of delete_expired failed: the disk is full"
    assert (body["event"], body["id"]) == ("run_failed", "run_failed:0123456789abcdef")


def test_a_log_file_gets_a_line_and_is_for_its_owner_only(home: Home) -> None:
    for _ in range(2):
        assert send(ALERT, settings(log_file="alerts.jsonl"), home).delivered == ("log file",)
    path = home.path / "alerts.jsonl"
    assert [line["event"] for line in lines(path)] == ["run_failed", "run_failed"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_redirect_is_not_followed(hook: Hook, home: Home) -> None:
    hook.codes = [302]
    delivery = send(ALERT, settings(hook.url), home)
    assert "answered 302; redirects are not followed" in delivery.problems[0]
    assert [path for path, _ in hook.asked] == [f"/services/{SECRET}"]


@pytest.mark.parametrize("code", [500, 503, 429])
def test_a_webhook_that_is_busy_is_asked_again(hook: Hook, home: Home, code: int) -> None:
    hook.codes = [code, 200]
    assert send(ALERT, settings(hook.url), home).delivered == ("webhook",)
    assert len(hook.asked) == 2
    assert hook.asked[0][1]["id"] == hook.asked[1][1]["id"]


def test_a_webhook_that_refuses_is_asked_once(hook: Hook, home: Home) -> None:
    hook.codes = [403]
    assert "answered 403" in send(ALERT, settings(hook.url), home).problems[0]
    assert len(hook.asked) == 1


def test_a_webhook_that_is_down_does_not_keep_the_log_file_from_having_the_alert(home: Home) -> None:
    with running(Hook()) as gone:
        url = gone.url
    delivery = send(ALERT, settings(url, "alerts.jsonl"), home)
    assert delivery.delivered == ("log file",)
    assert "cannot be reached" in delivery.problems[0]
    [line] = lines(home.path / "alerts.jsonl")
    assert line["undelivered"] == delivery.problems[0]


def test_a_slow_webhook_is_given_up(home: Home) -> None:
    with running(Hook(pause=threading.Event())) as slow:
        began = time.monotonic()
        delivery = send(ALERT, settings(slow.url), home, timeout_seconds=0.2)
    assert "did not answer within 0.2 s" in delivery.problems[0]
    assert time.monotonic() - began < 5
    assert len(slow.asked) == 1


def test_a_log_file_that_cannot_be_written_does_not_keep_the_webhook_from_having_the_alert(
    hook: Hook, home: Home
) -> None:
    delivery = send(ALERT, settings(hook.url, "no/such/folder"), home)
    assert delivery.delivered == ("webhook",)
    assert "No such file or directory" in delivery.problems[0]


def test_no_message_has_more_of_the_url_than_its_host(hook: Hook, home: Home) -> None:
    hook.codes = [404]
    for url in (hook.url, f"http://127.0.0.1:1/{SECRET}"):
        said = settings(url, "alerts.jsonl")
        delivery = send(ALERT, said, home)
        assert SECRET not in " ".join(delivery.problems)
        assert SECRET not in f"{said} {said!r} {said.model_dump(mode='json')}"
    assert SECRET not in (home.path / "alerts.jsonl").read_text(encoding="utf-8")


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A new home on its embedded database."""
    opened = open_installation(Home(tmp_path / "home"))
    yield opened
    opened.target.dispose()


def test_an_import_with_failed_rows_is_told_by_its_counts_and_codes_only(
    installation: Installation, tmp_path: Path, hook: Hook
) -> None:
    file = tmp_path / "Canaryfile.csv"
    file.write_text(
        "first_name,last_name,email,city\nCanary,Ada,canary@example.com,Canarytown\nCanary,,canary@,Canarytown\n",
        encoding="utf-8",
    )
    import_id = accept_upload(installation, file).record.import_id
    run_import(installation, import_id)
    with reading(installation.target) as connection:
        record = find_import(connection, import_id)
    assert record is not None
    alert = alert_of_failed_rows(
        record, {"invalid_email": 1, "required": 1}, run_id="r", job="import_csv", file=record.import_id[-8:]
    )
    assert alert is not None
    assert alert.text == (
        f"Import {import_id} finished with failed rows: 1 of 2 failed (invalid_email 1, required 1), "
        "1 were loaded, 0 were not read"
    )
    send(alert, settings(hook.url, "alerts.jsonl"), installation.home)
    assert hook.asked[0][1]["rows"] == {"read": 2, "loaded": 1, "failed": 1, "unread": 0}
    told = json.dumps(hook.asked) + (installation.home.path / "alerts.jsonl").read_text(encoding="utf-8")
    assert "canary" not in told.casefold()
    failed = alert_of_failed_run(record, "the disk is full", run_id="r", job="import_csv", file=None)
    assert failed.text == f"The run of import {import_id} failed after the import had finished: the disk is full"


def test_an_import_without_failed_rows_is_no_news(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("first_name,last_name,city\nA,B,C\n", encoding="utf-8")
    record = accept_upload(installation, file).record
    assert alert_of_failed_rows(record, {}, run_id="r", job="import_csv", file=None) is None
    told = alert_of_failed_run(record, "the database is away", run_id="r", job="import_csv", file=None)
    assert told.text.endswith("failed; the import is not finished: the database is away")


def test_many_reasons_are_cut_short_in_the_sentence_and_whole_in_the_object() -> None:
    reasons = {f"code{number}": number for number in range(1, 9)}
    rows = {"read": 99, "loaded": 50, "failed": 49, "unread": 0}
    alert = Alert(Event.FAILED_ROWS, "r", "import_csv", import_id="csv-1", rows=rows, reasons=reasons)
    assert "(code8 8, code7 7, code6 6, code5 5, code4 4, …)" in alert.text
    assert alert.as_json()["reasons"] == reasons
