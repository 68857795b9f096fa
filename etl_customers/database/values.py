"""Values on their way into the target and back: times, names of users, texts, JSON."""

from datetime import UTC, date, datetime

_LONGEST_USER = 128


def as_utc(time: datetime) -> datetime:
    """Return a time that the target gave, in UTC: SQLite forgets the zone, PostgreSQL uses the session's."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def storable(text: str) -> str:
    """Return text that both databases can hold: file names may have undecodable bytes."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def user_name(name: str | None) -> str | None:
    """Return who did something as the columns for it hold it: at most 128 characters; none for an empty name."""
    return storable(name or "")[:_LONGEST_USER] or None


def json_value(value: object) -> object:
    """Return a value of a customer as JSON has it: a day as text."""
    return value.isoformat() if isinstance(value, date) else value
