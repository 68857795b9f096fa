"""The tree of everything that can stop an import or a command; nothing about single rows.

    EtlCustomersError
    ├── UsageError                 exit 2: the command's words cannot be followed
    │   ├── SettingsInvalid
    │   ├── NotFound               an import, customer, field or connection that is not there
    │   └── FieldInvalid           a custom field or property that cannot be added or changed
    ├── RefusedWhole               exit 2: nothing of the file or pull is loaded
    │   ├── UploadRefused          of a file; why: ``schemas.refusals.FileReason``
    │   └── PullRefused            of a pull, and repeating it is of no use; why: ``schemas.refusals.PullReason``
    │       └── ReconnectNeeded
    └── NotNow                     exit 3: nothing is loaded, safe to repeat
        ├── DatabaseUnavailable
        ├── DatabaseNotMigrated
        ├── DiskUnavailable
        ├── ImportBusy             another process works on the same import
        └── ProviderUnavailable    QuickBooks or Xero did not answer, or not as it should

An error that one module alone raises stands in that module, below one of these four; of
refusals there are others only where somebody who catches one does something else.
Problems of single rows are no exceptions: they are codes (``schemas.codes``).
Messages say what, where and what to do, and never hold a customer's value.
"""

import copyreg
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from schemas.refusals import FileReason, PullReason, Reason
from schemas.sources import LABELS


class EtlCustomersError(Exception):
    """Base of all errors that a user can cause or meet; ``exit_code`` is the command's."""

    exit_code = 2


class UsageError(EtlCustomersError):
    """The command cannot be followed as it was given; the message says what to change."""


class SettingsInvalid(UsageError):
    """A setting has a value that it cannot have."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        """One line per setting: its name, where it was read, what it must be."""
        return "settings cannot be used: " + "; ".join(self.problems)


class NotFound(UsageError):
    """There is no such import, customer, field or property type."""

    def __init__(self, what: str, name: str, remedy: str) -> None:
        super().__init__(what, name, remedy)
        self.what, self.name, self.remedy = what, name, remedy

    def __str__(self) -> str:
        """Name the missing thing and the command that lists what there is."""
        return f"there is no {self.what} {self.name}; {self.remedy}"


class FieldInvalid(UsageError):
    """A custom field, property type or its field cannot be what was asked for."""


class RefusedWhole(EtlCustomersError):
    """A file or pull as a whole cannot be loaded; nothing of it is.

    ``str()`` gives what is wrong, where, and what to do; ``code`` is the reason's.
    """

    def __init__(self, reason: Reason, /, **facts: str | int) -> None:
        """Say the reason with the facts that it names.

        Raises:
            TypeError: They are not the facts that it names.
        """
        super().__init__(reason.message(**facts))
        self.code, self.facts = reason.code, facts

    def __reduce__(self) -> tuple[Any, ...]:
        """Give pickle the finished message."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]


class UploadRefused(RefusedWhole):
    """The file as a whole cannot be imported; nothing of it is loaded."""

    def is_for(self, reason: FileReason) -> bool:
        """Tell whether the file is refused for this reason, in whatever words."""
        return self.code == reason.code


class PullRefused(RefusedWhole):
    """A pull cannot go on, and would end the same way again; nothing of it is loaded."""


class ReconnectNeeded(PullRefused):
    """The provider no longer accepts the stored token: a person must connect again."""

    def __init__(self, provider: str, tenant_id: str) -> None:
        super().__init__(PullReason.RECONNECT, provider=provider, tenant=tenant_id)


class NotNow(EtlCustomersError):
    """It could not be done now; nothing was loaded and it is safe to repeat."""

    exit_code = 3


class DatabaseUnavailable(NotNow):
    """The target database did not answer or broke off."""

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(target, reason)
        self.target, self.reason = target, reason

    def __str__(self) -> str:
        """Name the target without its password, and why, in the driver's class of words."""
        return (
            f"the target database {self.target} cannot be used now ({self.reason}); "
            "nothing is half done; correct that and run the same command again"
        )


class DatabaseNotMigrated(NotNow):
    """The target database lacks our tables, or has older or newer ones."""

    def __init__(self, target: str, found: str | None, expected: str) -> None:
        super().__init__(target, found, expected)
        self.target, self.found, self.expected = target, found, expected

    def __str__(self) -> str:
        """Say which version is there and which command brings the other."""
        state = "has no tables of etl-customers" if self.found is None else f"is at version {self.found}"
        return (
            f"the target database {self.target} {state}; this program needs version {self.expected}; "
            "run: etl-customers database upgrade"
        )


class DiskUnavailable(NotNow):
    """A file of the home cannot be written or read: disk full, no permission, gone."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        """Name the path and the operating system's reason."""
        return (
            f"{self.path} cannot be used ({self.reason}); nothing is half done; "
            "free disk space or give access to the path, and run it again"
        )


class ImportBusy(NotNow):
    """Another process has been working on the same import for too long to wait."""

    def __init__(self, import_id: str) -> None:
        super().__init__(import_id)
        self.import_id = import_id

    def __str__(self) -> str:
        """Name the import and how to look at it."""
        return (
            f"another process is working on import {self.import_id}; see: etl-customers imports show {self.import_id}"
        )


class ProviderUnavailable(NotNow):
    """A provider did not answer, or not as it should; what came before is kept, and the next pull goes on from there."""

    def __init__(self, provider: str, reason: str, request_id: str | None = None, command: str = "pull") -> None:
        super().__init__(provider, reason, request_id, command)
        self.provider, self.reason, self.request_id, self.command = provider, reason, request_id, command

    def __str__(self) -> str:
        """Name the provider, the reason in our words, and the id by which its support finds the request."""
        request = f", request {self.request_id}" if self.request_id else ""
        return (
            f"{LABELS[self.provider]} cannot be used now ({self.reason}{request}); nothing is half done; "
            f"try again later: etl-customers {self.command} {self.provider}"
        )


def gravest(exit_codes: Iterable[int]) -> int:
    """Return the exit code of several things that were done one after the other: 2, then 3, then 1; a bug before all."""
    known = (2, 3, 1, 0)
    return min(exit_codes, key=lambda code: known.index(code) if code in known else -1)


def error_code(error: EtlCustomersError) -> str:
    """Return an error's name for programs: a refusal's code, else ``database_unavailable`` and the like."""
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
