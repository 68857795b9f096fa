"""Trying again what may pass: how often, and how long is waited in between, as data.

``tenacity`` does it. It is imported when something has failed: nearly everything succeeds at once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

_Done = TypeVar("_Done")
_Error = TypeVar("_Error", bound=Exception)


@dataclass(frozen=True)
class Tries:
    """When what has failed is tried again; by itself once more after each pause."""

    pauses: tuple[float, ...]
    """Seconds before each further try; one at least."""
    is_random: bool = False
    """A pause is anything up to its seconds, so that two who got in each other's way do not meet again."""
    is_repeated: bool = False
    """The last pause stands for all that follow."""
    within_seconds: float | None = None
    """No further try begins later than that after the first one; None: whenever it is its turn."""

    def repeat(
        self,
        action: Callable[[], _Done],
        on: type[_Error],
        only: Callable[[_Error], bool] = lambda _error: True,
    ) -> _Done:
        """Call something until it returns, and return what it returns; its last error is raised where it never does.

        Args:
            action: What is tried.
            on: Its error that may pass; any other ends it at once.
            only: Tells of such an error whether it may pass.
        """
        begun = time.monotonic()
        try:
            return action()
        except on as error:
            if not only(error):
                raise
            failed = [error]

        def again() -> _Done:
            # The try that has failed is tenacity's first one.
            if failed:
                raise failed.pop()
            return action()

        import tenacity
        from tenacity.stop import stop_base, stop_never

        waits = [tenacity.wait_random(0, most) if self.is_random else tenacity.wait_fixed(most) for most in self.pauses]
        stop: stop_base = stop_never if self.is_repeated else tenacity.stop_after_attempt(1 + len(self.pauses))
        if self.within_seconds is not None:
            stop |= tenacity.stop_before_delay(self.within_seconds - (time.monotonic() - begun))
        retry = tenacity.retry_if_exception(lambda error: isinstance(error, on) and only(error))
        return tenacity.Retrying(wait=tenacity.wait_chain(*waits), stop=stop, retry=retry, reraise=True)(again)
