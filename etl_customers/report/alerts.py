"""Telling somebody outside of an import that failed, or of rows that did: a webhook, a line in a log, or both.

What an alert says comes from the ledger: ids, counts, codes and our own messages, no
customer's value. When to alert is for those who watch the runs (``assets.automation.alerts``).
"""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import HttpUrl

from etl_customers.base.errors import SettingsInvalid
from etl_customers.base.http import Http, Limits, Loss, NoReply, Request
from etl_customers.base.tries import Tries
from etl_customers.database.ledger import FINISHED, REFUSED, ImportRecord
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Alerts
from etl_customers.texts.controls import escape_json
from schemas.codes import LEFT_OUT_CODES
from schemas.sources import PROVIDERS

TIMEOUT_SECONDS = 8.0
"""For one alert, all tries together; a tick of Dagster's has 60 seconds for five."""

_PAUSES_SECONDS = (0.5, 1.0)
"""Before the second and the third try."""
_SHORTEST_WAIT_SECONDS = 0.1
_REDIRECTS, _CLIENT_ERRORS, _TOO_MANY_REQUESTS, _SERVER_ERRORS = 300, 400, 429, 500
_MOST_REASONS_SAID = 5


class Event(StrEnum):
    """What an alert is about."""

    IMPORT_FAILED = "import_failed"
    IMPORT_REFUSED = "import_refused"
    FAILED_ROWS = "failed_rows"
    INCOMPLETE_PULL = "incomplete_pull"
    RUN_FAILED = "run_failed"


@dataclass(frozen=True)
class Alert:
    """One alert; its fields are the keys of the JSON object, with ``id`` and ``text`` beside them."""

    event: Event
    run_id: str
    job: str
    message: str | None = None
    """Why, in the words of the error; None where rows failed and were counted."""
    import_id: str | None = None
    source: str | None = None
    file: str | None = None
    """The file's label, as the tags of the run have it."""
    status: str | None = None
    """Of the import, as the ledger has it."""
    rows: Mapping[str, int] = field(default_factory=dict)
    """read, loaded, failed, unread, and of a pull updated, unchanged, left_out; empty while it is not finished."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Failed rows by code; a row counts once for each of its codes."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def text(self) -> str:
        """The alert as one sentence, for chat tools."""
        why = f": {self.message}" if self.message else ""
        if self.event is Event.RUN_FAILED:
            return f"Run {self.run_id[:8]} of {self.job} failed{why}"
        if self.event is Event.IMPORT_REFUSED:
            return f"Import {self.import_id} was refused, nothing of it was loaded{why}"
        if self.event is Event.IMPORT_FAILED:
            after = " after the import had finished" if self.status == FINISHED else "; the import is not finished"
            return f"The run of import {self.import_id} failed{after}{why}"
        if not self.rows:
            return f"Import {self.import_id} finished with failed rows{why}"
        return self._text_of_pull() if self.source in PROVIDERS else self._text_of_file()

    def _text_of_file(self) -> str:
        return (
            f"Import {self.import_id} finished with failed rows: {self.rows['failed']:,} of {self.rows['read']:,} "
            f"failed ({self._reasons_said()}), {self.rows['loaded']:,} were loaded, "
            f"{self.rows['unread']:,} were not read"
        )

    def _text_of_pull(self) -> str:
        rows = self.rows
        came = f", but some customers may be missing: {self.message}; of those that came" if self.message else ""
        return (
            f"Pull {self.import_id} finished{came or ', but not all customers were synced'}: {rows['failed'] - rows['left_out']:,} of "
            f"{rows['read']:,} were not synced ({self._reasons_said()}), {rows['left_out']:,} were left out on purpose; "
            f"{rows['loaded']:,} created, {rows['updated']:,} updated, {rows['unchanged']:,} unchanged"
        )

    def _reasons_said(self) -> str:
        said = sorted(self.reasons.items(), key=lambda reason: (-reason[1], reason[0]))
        listed = ", ".join(f"{code} {number:,}" for code, number in said[:_MOST_REASONS_SAID])
        return listed + (", …" if len(said) > _MOST_REASONS_SAID else "")

    def as_json(self) -> dict[str, Any]:
        """Return the JSON object: ``id`` is the same whenever the same alert is sent again."""
        return {
            "id": f"{self.event}:{self.run_id}",
            "text": self.text,
            **asdict(self),
            "event": str(self.event),
            "at": self.at.isoformat(timespec="seconds"),
        }


@dataclass(frozen=True)
class Delivery:
    """What became of an alert."""

    delivered: tuple[str, ...]
    """Of ``webhook`` and ``log file``, those that have it."""
    problems: tuple[str, ...]
    """One message for each that has not; a URL is named by its host only, the rest may be a secret."""


def is_on(settings: Alerts) -> bool:
    """Tell whether anybody is to be told anything."""
    return settings.webhook_url is not None or settings.log_file is not None


def alert_of_failed_rows(
    record: ImportRecord, reasons: Mapping[str, int], *, run_id: str, job: str, file: str | None, left_out: int = 0
) -> Alert | None:
    """Return the alert of an import that finished with failed rows, or of an incomplete pull; None of any other.

    Args:
        record: The import.
        reasons: Failed rows by code.
        run_id: The run that finished it.
        job: Its job.
        file: The label of the import's file.
        left_out: Of a pull, the customers that were left out on purpose: nobody is told of those.
    """
    why_incomplete = record.why_incomplete
    if record.status != FINISHED or ((record.rows_failed or 0) <= left_out and why_incomplete is None):
        return None
    about = _about(record, file)
    if record.is_pull:
        about["rows"]["left_out"] = left_out
        reasons = {code: number for code, number in reasons.items() if code not in LEFT_OUT_CODES}
    event = Event.FAILED_ROWS if why_incomplete is None else Event.INCOMPLETE_PULL
    return Alert(event, run_id, job, why_incomplete, reasons=reasons, **about)


def alert_of_uncounted_rows(import_id: str, *, run_id: str, job: str) -> Alert:
    """Return the alert of an import that is known to have failed rows while the ledger is out of reach."""
    message = "the target database cannot be reached, so it is not known how many and why; see the import in the UI"
    return Alert(Event.FAILED_ROWS, run_id, job, message, import_id=import_id)


def alert_of_failed_run(record: ImportRecord | None, message: str, *, run_id: str, job: str, file: str | None) -> Alert:
    """Return the alert of a run that failed.

    Args:
        record: The import that it carried; None where it carried none, or the ledger is out of reach.
        message: Why, in words that hold no customer's value.
        run_id: The run.
        job: Its job.
        file: The label of the import's file.
    """
    if record is None:
        return Alert(Event.RUN_FAILED, run_id, job, message)
    event = Event.IMPORT_REFUSED if record.status == REFUSED else Event.IMPORT_FAILED
    return Alert(event, run_id, job, message, **_about(record, file))


def send(alert: Alert, settings: Alerts, home: Home, timeout_seconds: float = TIMEOUT_SECONDS) -> Delivery:
    """Post an alert to the webhook and append it to the log file, whichever are set.

    The webhook goes first, so that the line says what became of it; that one fails does
    not keep the other from having the alert. Up to three tries on connection errors,
    429 and 5xx; a redirect is not followed, since it would carry the alert elsewhere.

    Args:
        alert: What to say.
        settings: Where to; a relative path of the log file is one in the home.
        home: Of this installation.
        timeout_seconds: For all tries together.

    Returns:
        Who has it and what went wrong; nothing is raised for either.
    """
    delivered, problems, entry = [], [], alert.as_json()
    if settings.webhook_url is not None:
        problem = _post(settings.webhook_url.get_secret_value(), entry, timeout_seconds)
        if problem is None:
            delivered.append("webhook")
        else:
            problems.append(problem)
            entry = {**entry, "undelivered": problem}
    if settings.log_file is not None:
        problem = _append(home.path / settings.log_file, entry)
        if problem is None:
            delivered.append("log file")
        else:
            problems.append(problem)
    return Delivery(tuple(delivered), tuple(problems))


def _about(record: ImportRecord, file: str | None) -> dict[str, Any]:
    counts = {
        "read": record.rows_read,
        "loaded": record.rows_loaded,
        "failed": record.rows_failed,
        "unread": record.rows_unread,
        "updated": record.rows_updated,
        "unchanged": record.rows_unchanged,
    }
    return {
        "import_id": record.import_id,
        "source": record.source,
        "file": file,
        "status": record.status,
        "rows": {name: number for name, number in counts.items() if number is not None},
    }


class _Undelivered(Exception):
    """What went wrong, in words that follow the webhook's name."""


class _Busy(_Undelivered):
    """It may pass."""


def _post(url: HttpUrl, entry: Mapping[str, Any], timeout_seconds: float) -> str | None:
    """Return what went wrong, in words that name the host only."""
    deadline = time.monotonic() + timeout_seconds
    request = Request("POST", str(url), {"Content-Type": "application/json"}, body=json.dumps(entry).encode())

    def post() -> None:
        left = max(deadline - time.monotonic(), _SHORTEST_WAIT_SECONDS)
        try:
            with Http(Limits(left, left, most_bytes=None, body_seconds=0)) as http:
                status = http.send(request).status
        except NoReply as error:
            if error.loss is Loss.TIMED_OUT:
                raise _Undelivered(f"did not answer within {timeout_seconds:g} s") from None
            if error.loss is Loss.UNREADABLE:
                raise _Undelivered(f"could not be asked ({error.library_error})") from None
            raise _Busy("cannot be reached") from None
        if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERRORS:
            raise _Busy(f"answered {status}")
        if status >= _REDIRECTS:
            hint = "; redirects are not followed" if status < _CLIENT_ERRORS else ""
            raise _Undelivered(f"answered {status}{hint}")

    try:
        Tries(_PAUSES_SECONDS, within_seconds=timeout_seconds).repeat(post, _Busy)
    except _Undelivered as problem:
        return f"the webhook at {url.host} {problem}; see alerts.webhook_url in the settings"
    return None


def check_log_file(home: Home, file: Path) -> None:
    """Ask whether alerts can be written to a file; nothing is made or written.

    Raises:
        SettingsInvalid: Its folder is not there, it is no file, or it may not be written.
    """
    path = home.path / file
    if not path.parent.is_dir():
        problem = f"there is no folder {path.parent}; make it first"
    elif path.exists() and not path.is_file():
        problem = f"{path} is not a file; choose one, such as {path / 'alerts.jsonl'}"
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        problem = f"{path} cannot be written; let the user {os.getuid()} write to it"
    else:
        return
    raise SettingsInvalid((f"alerts.log_file: {problem}",))


def _append(path: Path, entry: Mapping[str, Any]) -> str | None:
    line = (escape_json(json.dumps(entry, ensure_ascii=False)) + "\n").encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # One write, so that lines of two processes never mix.
            whole = os.write(descriptor, line) == len(line)
        finally:
            os.close(descriptor)
    except OSError as error:
        return f"{path} cannot be written ({error.strerror}); see alerts.log_file in the settings"
    return None if whole else f"{path} could not take the whole line; free disk space"
