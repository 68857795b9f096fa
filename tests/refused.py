"""What a test says of a file or pull that must be refused: the code, and words of the message."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from etl_customers.base.errors import RefusedWhole


@contextmanager
def refused_as(code: str, match: str | None = None) -> Iterator[pytest.ExceptionInfo[RefusedWhole]]:
    """Expect a refusal with this code, and a pattern in its message."""
    with pytest.raises(RefusedWhole, match=match) as caught:
        yield caught
    assert caught.value.code == code
