"""Texts that people read are short everyday English: phrases that have a plainer form are in none of them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PHRASES = (
    r"without further ado",
    r"(?:no|any) more(?= ?(?:[.,;:)]|$))",
    r"\banew\b",
    r"once more",
    r"would else",
    r"(?:not|nothing) to be had",
    r"of no matter where",
    r"was found to be",
    r"nobody has been",
    r"nobody can see",
    r"perhaps not all",
    r"put that right",
    r"which is loaded",
    r"\bbears?\b",
    r"whoever",
    r"\bthat is none\b",
    r"(?<!there )\b(?:is|are) no (?:file|folder|upload|import|customer|project|setting|workbook|TOML)\b",
    r"\blies? in the home\b",
    r"\bdo not ask\b",
    r"\btakes? no notice\b",
    r"is not to be",
)
"""Regular expressions, each for a phrase and not for a word that may be right elsewhere."""
_PHRASE = re.compile("|".join(PHRASES), re.IGNORECASE)
KEPT = frozenset({"etl_customers/database/tables.py"})
"""Modules whose texts stay: comments of columns, which the target's database has as they were written there."""


def sources() -> list[Path]:
    """Modules whose texts people see; what a migration did is not rewritten."""
    found = [path for name in ("etl_customers", "assets", "schemas") for path in sorted((ROOT / name).rglob("*.py"))]
    found = [path for path in found if str(path.relative_to(ROOT)) not in KEPT]
    return [path for path in found if "migrations" not in path.parts]


def pages() -> list[Path]:
    """Pages for users and contributors; decisions and changes stay as they were written."""
    found = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    return found + [
        path for place in ("docs/*.md", "docs/out-of-scope/*.md", "deploy/**/*.md") for path in sorted(ROOT.glob(place))
    ]


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts of a module that people may see, with their lines: literals, but of docstrings only help.

    The docstring of a command is its help, and that of an asset its description in the UI.
    """
    tree = ast.parse(path.read_text("utf-8"))
    unseen = set(_unseen_docstrings(tree, is_roof=bool({"cli", "assets"} & set(path.parts))))
    for node in ast.walk(tree):  # a text before its parts
        if isinstance(node, ast.JoinedStr):
            unseen |= set(map(id, node.values))
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in unseen:
            yield node.lineno, node.value


def _unseen_docstrings(tree: ast.Module, is_roof: bool) -> Iterator[int]:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        is_shown = is_roof and node in tree.body and isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        for place, statement in enumerate(body if isinstance(body, list) else ()):
            if isinstance(statement, ast.Expr) and not (is_shown and place == 0):
                yield id(statement.value)


def found_in(path: Path) -> set[str]:
    """Return where a file has one of the phrases."""
    texts = texts_of(path) if path.suffix == ".py" else enumerate(path.read_text("utf-8").splitlines(), start=1)
    return {
        f"{path.relative_to(ROOT)}:{line}: {match[0]}"
        for line, text in texts
        for match in _PHRASE.finditer(" ".join(text.split()))
    }


def test_no_text_of_the_program_has_a_phrase_that_is_hard_to_read() -> None:
    assert sorted(found for path in sources() for found in found_in(path)) == []


def test_no_help_of_make_has_a_phrase_that_is_hard_to_read() -> None:
    said = [line.partition("## ")[2] for line in (ROOT / "Makefile").read_text("utf-8").splitlines()]
    assert [text for text in said if _PHRASE.search(text)] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_has_a_phrase_that_is_hard_to_read(page: Path) -> None:
    assert found_in(page) == set()


def test_a_phrase_is_found_in_a_message_over_two_lines_and_in_no_comment(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('"""Anew."""\n# anew\nsaid = f"import {1} " "an" f"ew{1}"\nsaid = "an" "ew"\n', encoding="utf-8")
    assert [text for _, text in texts_of(module) if _PHRASE.search(text)] == ["anew"]


def test_the_help_of_a_command_is_looked_at_and_what_only_developers_read_is_not(tmp_path: Path) -> None:
    text = 'def import_():\n    """Import anew."""\n\n\ndef _tidy():\n    """Tidy anew."""\n'
    (tmp_path / "cli").mkdir()
    command, engine = tmp_path / "cli/command.py", tmp_path / "engine.py"
    command.write_text(text, encoding="utf-8")
    engine.write_text(text, encoding="utf-8")
    assert [said for _, said in texts_of(command)] == ["Import anew."]
    assert list(texts_of(engine)) == []
