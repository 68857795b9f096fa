"""The versions of the target's tables; the steps between them are in ``versions``.

Nothing here imports Alembic, so that asking for a version costs nothing.
"""

VERSIONS: tuple[str, ...] = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0006",
    "0007",
    "0008",
    "0009",
    "0011",
    "0012",
    "0014",
    "0015",
)
"""All versions that this program can bring up to date, oldest first."""

HEAD = VERSIONS[-1]
"""The version that this program works with."""
