"""Commands and paths in messages, written so that they work where they are pasted: in the shell that ran this one.

The engine writes ``etl-customers import FILE``. Here the program becomes the one that was
called, where its name alone would not be found, and the home is repeated, where it is
not the one that is found by itself. JSON, the inbox's notes and Dagster keep the plain
form: whoever reads them may be elsewhere.
"""

import re
import shlex
import shutil
import sys
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

_PROGRAM = "etl-customers"
_COMMAND = re.compile(rf"(?<![\w./-]){_PROGRAM}((?: [a-z][a-z-]*)+)")
_ARGUMENT = re.compile(
    r"""[ ](?:
        '[^']*'(?:"'"'[^']*')*              # quoted for the shell
        | --[a-z-]+
        | (?:quickbooks|xero|text|true)\b
        | (?=\S*(?:[^a-z\s;,.:)]|[.:][a-z]))[^\s(]\S*?    # an id, a path, A_PLACEHOLDER: no plain word of a sentence
    )(?=[;,.:)]*(?:\s|$))""",
    re.VERBOSE,
)

_home: ContextVar[Path | None] = ContextVar("home", default=None)


def remember_home(option: Path | None) -> Path | None:
    """Note the home that a command was given by ``--home``; typer calls this with the option's value."""
    _home.set(option)
    return option


def runnable(text: str) -> str:
    """Return a message in which each command works as it stands."""
    done, place = "", 0
    for match in _COMMAND.finditer(text):
        words = _words_of(match)
        if not words:
            continue  # the product's name in a sentence
        end = match.start(1) + 1 + len(" ".join(words))
        while (argument := _ARGUMENT.match(text, end)) is not None:
            end = argument.end()
        done += f"{text[place : match.start()]}{_program()}{text[match.start(1) : end]}{_at_home()}"
        place = end
    return done + text[place:]


def shown_path(path: str | Path) -> str:
    """Return a path as a shell takes it: relative to the working folder where it lies in it, and quoted."""
    return shlex.quote(relative(Path(path)))


def relative(path: Path) -> str:
    """Return a path relative to the working folder where it lies in it, else from the root."""
    absolute, here = path.absolute(), Path.cwd()
    if not absolute.is_relative_to(here):
        return str(absolute)
    found = str(absolute.relative_to(here))
    return f"./{found}" if found.startswith("-") else found


def _words_of(match: re.Match[str]) -> list[str]:
    """Return the words that name a command: of ``imports show csv-1``, the first two."""
    words, tree = match[1].split(), _tree()
    taken = 0
    while taken < len(words) and words[taken] in tree:
        tree = tree[words[taken]]
        taken += 1
    return words[:taken]


def _program() -> str:
    """Return the program as it was called, or its name where the shell finds that one by it."""
    called = Path(sys.argv[0])
    if called.name != _PROGRAM or len(called.parts) == 1:
        return _PROGRAM
    found = shutil.which(_PROGRAM)
    try:
        if found is not None and Path(found).samefile(called):
            return _PROGRAM
    except OSError:
        return _PROGRAM
    name = relative(called)
    return shlex.quote(name if "/" in name else f"./{name}")


def _at_home() -> str:
    from etl_customers.settings.home import find_home

    chosen = find_home(_home.get()).path
    return "" if chosen == Path.cwd() / ".etl-customers" else f" --home {shown_path(chosen)}"


@cache
def _tree() -> dict[str, Any]:
    """Return the words of all commands, each with those that may follow it."""
    from etl_customers.cli.app import command

    def below(group: Any) -> dict[str, Any]:  # noqa: ANN401 - a private class of typer
        return {name: below(one) for name, one in getattr(group, "commands", {}).items()}

    return below(command())
