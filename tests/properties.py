"""How many examples property tests take: a few, the same each time, or thousands of new ones.

Strategies that more than one property needs are in here too.
"""

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.full_form import FULL

_Change = Callable[[bytes, int, int, bytes], bytes]
"""Takes bytes, a place in them, a length, and other bytes."""


def load_profile() -> None:
    """Choose the profile ``full`` in the full form, ``ci`` elsewhere."""
    # Time is no property of the code under test, and machines that run tests are busy.
    ci = settings(deadline=None, derandomize=True, database=None)
    settings.register_profile("ci", ci)
    settings.register_profile("full", ci, derandomize=False, max_examples=2_000, print_blob=True)
    settings.load_profile("full" if FULL else "ci")


def examples(few: int, many: int) -> settings:
    """Set how many examples a property takes, in the quick form and in the full one."""
    return settings(
        max_examples=many if FULL else few,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )


def _cut(data: bytes, place: int, length: int, _: bytes) -> bytes:
    return data[:place] + data[place + length :]


def _insert(data: bytes, place: int, _: int, piece: bytes) -> bytes:
    return data[:place] + piece + data[place:]


def _overwrite(data: bytes, place: int, _: int, piece: bytes) -> bytes:
    return data[:place] + piece + data[place + len(piece) :]


def _repeat(data: bytes, place: int, length: int, _: bytes) -> bytes:
    return data[: place + length] + data[place:]


def _end(data: bytes, place: int, _: int, piece: bytes) -> bytes:
    return data[:place] + piece


def _flip(data: bytes, place: int, length: int, _: bytes) -> bytes:
    return data[:place] + bytes(byte ^ (1 << length % 8) for byte in data[place : place + 1]) + data[place + 1 :]


PIECES = [b"", b'"', b'""', b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\n\n", b"\n,,\n", b"\0", b" ", b"'="]
PIECES += [
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xff",
    b"\xed\xa0\x80",
    "é".encode(),
    "\u2028".encode(),
    b"\x1a",
]


def mutated(data: st.SearchStrategy[bytes], most: int = 3) -> st.SearchStrategy[bytes]:
    """Take bytes of a strategy and cut, flip, repeat and overwrite pieces of them, at most so many times."""
    change = st.tuples(
        st.sampled_from([_cut, _insert, _overwrite, _repeat, _end, _flip]),
        st.floats(0, 1, exclude_max=True),
        st.integers(1, 20),
        st.sampled_from(PIECES) | st.binary(max_size=3),
    )

    def change_all(start: bytes, changes: list[tuple[_Change, float, int, bytes]]) -> bytes:
        for make, where, length, piece in changes:
            start = make(start, int(where * len(start)), length, piece)
        return start

    return st.builds(change_all, data, st.lists(change, max_size=most))
