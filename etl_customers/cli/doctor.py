"""What ``doctor`` examines: one finding per question, each with what to do about it."""

import os
import pyexpat
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

from sqlalchemy import Engine

from etl_customers.base.errors import DatabaseUnavailable, EtlCustomersError
from etl_customers.changes.retention import delete_expired
from etl_customers.columns.account_fields import load_fields
from etl_customers.columns.headers import KnownHeaders
from etl_customers.database.connect import connect, current_version, reading, target_name
from etl_customers.database.connections import (
    DISCONNECTED,
    OLD_SHARE,
    RECONNECT,
    ConnectionRecord,
    list_connections,
    read_token,
)
from etl_customers.database.ledger import ACCEPTED, list_ended_imports, list_imports
from etl_customers.database.migrations import HEAD
from etl_customers.imports.installation import Installation
from etl_customers.inbox.folders import count_rejected
from etl_customers.report.alerts import check_log_file
from etl_customers.settings.environment import database_url
from etl_customers.settings.home import Home
from etl_customers.settings.in_force import load_settings
from schemas.sources import LABELS

_OLDEST_PYTHON = (3, 11)
_EXPAT_WITH_LIMITS = (2, 6)
_LEAST_FREE_BYTES = 1024**3
_STUCK_AFTER = timedelta(minutes=30)
_PACKAGES = ("dagster", "dagster-webserver", "duckdb", "pandera", "polars", "sqlalchemy", "psycopg", "argon2-cffi")
_LOOKED_AT = 1_000
_DELETED_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class Finding:
    """The answer to one question."""

    what: str
    is_ok: bool
    detail: str
    remedy: str = ""
    exit_code: int = 1


def examine(home: Home) -> list[Finding]:
    """Examine the environment, the home, the settings and the target; change nothing."""
    found = [*_environment(), *_home(home)]
    if home.path.exists() and not home.path.is_dir():
        return found
    return [*found, *_settings(home), *_target(home)]


def _environment() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", sys.version_info >= _OLDEST_PYTHON, version, "install Python 3.11 or newer and run: make")
    expat = ".".join(map(str, pyexpat.version_info))
    slow = " (older than 2.6, so slow on hostile workbooks; they are refused before it reads them)"
    yield Finding("expat", True, expat + (slow if pyexpat.version_info < _EXPAT_WITH_LIMITS else ""))
    missing, found = [], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    detail = f"{', '.join(missing)} missing" if missing else ", ".join(found)
    yield Finding("packages", not missing, detail, "install the locked versions: make")


def _home(home: Home) -> Iterator[Finding]:
    if home.path.exists() and not home.path.is_dir():
        yield Finding("home", False, f"{home.path} is not a folder", "move it away, or choose another home", 3)
        return
    if not home.path.is_dir():
        yield Finding("home", True, f"{home.path} does not exist yet; the first import makes it")
        return
    mode = stat.S_IMODE(home.path.stat().st_mode)
    yield Finding(
        "home", mode & 0o077 == 0, f"{home.path} has mode {mode:04o}", f"others can read it: chmod 700 {home.path}"
    )
    # Nobody comes to them through a folder that is closed; what lies in the inbox is as its owner put it there.
    opened = [path for path in home.path.rglob("*") if _is_open(path) and home.inbox not in path.parents]
    yield Finding(
        "files",
        not (opened and mode & 0o077),
        f"{len(opened)} files and folders are open to others" if opened else "only their owner can open them",
        f"run: chmod -R go= {home.path}",
    )
    try:
        with tempfile.TemporaryFile(dir=home.path):
            yield Finding("writing", True, "the home can be written")
    except OSError as error:
        yield Finding(
            "writing", False, error.strerror or "no", f"give the user {os.getuid()} permission to write to the home", 3
        )
    rejected = count_rejected(home)
    detail = f"{rejected} in inbox/rejected, each with a note; look at them" if rejected else "nothing was rejected"
    yield Finding("inbox", True, detail)
    free = shutil.disk_usage(home.path).free
    yield Finding(
        "disk",
        free >= _LEAST_FREE_BYTES,
        f"{free / 1024**3:.1f} GiB free",
        "free some space: imports need it for staging",
    )


def _is_open(path: Path) -> bool:
    found = path.lstat()
    return not stat.S_ISLNK(found.st_mode) and bool(found.st_mode & 0o077)


def _settings(home: Home) -> Iterator[Finding]:
    try:
        log_file = load_settings(home).alerts.log_file
        if log_file is not None:
            check_log_file(home, log_file)
    except EtlCustomersError as error:
        yield Finding("settings", False, str(error), f"correct {home.settings_file} or the environment variable")
    else:
        yield Finding("settings", True, "all are valid")


def _target(home: Home) -> Iterator[Finding]:
    url = database_url(home)
    is_embedded = url == f"sqlite:///{home.embedded_database}"
    if is_embedded and not home.embedded_database.exists():
        yield Finding("database", True, f"{home.embedded_database} does not exist yet; the first import makes it")
        return
    try:
        target = connect(url)
    except EtlCustomersError as error:
        yield Finding("database", False, str(error), "correct ETL_CUSTOMERS_DATABASE_URL")
        return
    try:
        yield from _tables(home, target)
    finally:
        target.dispose()


def _tables(home: Home, target: Engine) -> Iterator[Finding]:
    try:
        found = current_version(target)
    except DatabaseUnavailable as error:
        yield Finding(
            "database", False, error.reason, f"check that {error.target} is running and that its user may use it", 3
        )
        return
    except EtlCustomersError as error:
        yield Finding("database", False, str(error), "correct ETL_CUSTOMERS_DATABASE_URL")
        return
    yield Finding("database", True, f"{target_name(target)} answers")
    yield Finding("tables", found == HEAD, f"version {found}, needed {HEAD}", "run: etl-customers database upgrade", 3)
    if found == HEAD:
        yield from _aliases(home, target)
        yield from _imports(home, target)
        yield from _connections(home, target)
        yield from _retention(home, target)


def _aliases(home: Home, target: Engine) -> Iterator[Finding]:
    """Name aliases that lead nowhere, or that take a header of the account's own."""
    try:
        aliases = load_settings(home).csv.aliases
    except EtlCustomersError:
        return  # told under settings
    if not aliases:
        return
    with reading(target) as connection:
        fields = load_fields(connection)
    try:
        KnownHeaders(fields, aliases)
    except EtlCustomersError as error:
        yield Finding("aliases", False, str(error), "run: etl-customers settings unset csv.aliases.HEADER")
    else:
        yield Finding("aliases", True, "each names a different column")


def _imports(home: Home, target: Engine) -> Iterator[Finding]:
    uploads = {path.stem: path for path in home.uploads.glob("*.upload")} if home.uploads.is_dir() else {}
    with reading(target) as connection:
        stale = list(list_ended_imports(connection, uploads)) if uploads else []
        latest = list_imports(connection, _LOOKED_AT)
    yield Finding(
        "uploads",
        not stale,
        f"{len(stale)} belong to ended imports" if stale else "no ended import has left one",
        "the next import deletes them",
    )
    before = datetime.now(UTC) - _STUCK_AFTER
    stuck = [one.import_id for one in latest if one.status == ACCEPTED and one.accepted_at < before]
    yield Finding(
        "imports",
        not stuck,
        f"{len(stuck)} accepted long ago and still under way: {', '.join(stuck[:5])}" if stuck else "none is stuck",
        "import the same file, or pull, again, or re-execute the run in etl-customers ui",
    )


def _connections(home: Home, target: Engine) -> Iterator[Finding]:
    with reading(target) as connection:
        found = [(one, read_token(connection, one.provider, one.tenant_id)) for one in list_connections(connection)]
    for one, token in found:
        if one.state != DISCONNECTED:
            yield _connection(home, one, token)


def _connection(home: Home, one: ConnectionRecord, token: str | None) -> Finding:
    """Say whether a connection can be used now, and in the weeks to come."""
    # Slow to import, and most homes have no connection.
    from etl_customers.connections.vault import open_vault

    what, renew = f"connection {one.provider} {one.tenant_id}", f"run: etl-customers connect {one.provider}"
    if one.state == RECONNECT or token is None:
        return Finding(what, False, f"{LABELS[one.provider]} no longer accepts it", renew)
    try:
        open_vault(home).decrypt(token, f"{LABELS[one.provider]} {one.tenant_id}")
    except EtlCustomersError as error:
        return Finding(what, False, "its token cannot be read", str(error))
    life = f"last renewed {_day(one.refreshed_at)}, expires on {_day(one.refresh_expires_at)} if it is not used"
    if one.hard_expires_at is not None:
        life += f"; expires in any case on {_day(one.hard_expires_at)}"
    if one.ends_soon(datetime.now(UTC)):
        return Finding(what, False, life, f"somebody has to give access again before that; {renew}")
    is_fresh = one.age_share(datetime.now(UTC)) <= OLD_SHARE
    remedy = f"pull from it, or keep etl-customers ui running, which renews it every week; if it has expired, {renew}"
    return Finding(what, is_fresh, life, remedy)


def _day(time: datetime | None) -> str:
    return time.date().isoformat() if time else "never"


def _retention(home: Home, target: Engine) -> Iterator[Finding]:
    """Name what the nightly deletion should have deleted by now."""
    try:
        settings = load_settings(home)
    except EtlCustomersError:
        return  # told under settings
    if not home.inbox_done.is_dir():
        return  # made by the first import
    installation = Installation(home, settings, target)
    expired = delete_expired(installation, datetime.now(UTC) - _DELETED_WITHIN, is_dry_run=True)
    left = expired.files + expired.abandoned
    yield Finding(
        "retention",
        not left,
        f"{left} files or imports are older than {settings.retention.days} days (retention.days)"
        if left
        else "nothing is older than its retention time",
        "run: etl-customers purge, or keep etl-customers ui running, which does it every night",
    )
