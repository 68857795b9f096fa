"""How a run that has ended comes to its command: as the result in the ledger, or as the reason why there is none."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from etl_customers.base.errors import DatabaseUnavailable, NotNow
from etl_customers.cli.screen import say
from etl_customers.database.connect import read_patiently
from etl_customers.database.ledger import FINISHED
from etl_customers.report.result import Refusal, RunFailed


class _Result(Protocol):
    @property
    def status(self) -> str: ...
    @property
    def refusal(self) -> Refusal | None: ...


class _Failure(Protocol):
    @property
    def message(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def exit_code(self) -> int: ...


_R = TypeVar("_R", bound=_Result)


class ResultUnread(NotNow):
    """A run ended well, but the target did not answer any more when it was asked for the result."""

    def __init__(self, import_id: str, reason: DatabaseUnavailable) -> None:
        super().__init__(import_id, reason)
        self.import_id, self.reason = import_id, reason

    def __str__(self) -> str:
        """Say that it is done, what did not answer, and how to see the result."""
        return (
            f"import {self.import_id} has ended, but the target database {self.reason.target} did not answer when asked "
            f"for its result ({self.reason.reason}); run: etl-customers imports show {self.import_id}"
        )


def result_after_run(import_id: str, failure: _Failure | None, read: Callable[[], _R], done: str) -> _R:
    """Read the result of an import whose run has ended.

    Args:
        import_id: The import.
        failure: Of the run, if it failed.
        read: Reads the result from the target; of a run that ended well, called again where a connection breaks.
        done: What is said of an import that is finished although its run failed afterwards.

    Raises:
        RunFailed: The import has no result: the run failed before.
        ResultUnread: It has, but the target does not answer.
    """
    try:
        result = read_patiently(read) if failure is None else read()
    except DatabaseUnavailable as error:
        if failure is None:
            raise ResultUnread(import_id, error) from None
        raise RunFailed(failure.message, failure.code, failure.exit_code) from None
    if failure is None or result.refusal is not None:
        return result
    if result.status == FINISHED and failure.exit_code == NotNow.exit_code:
        say(f"warning: {done}, but afterwards {failure.message}", error=True)
        return result
    raise RunFailed(failure.message, failure.code, failure.exit_code)
