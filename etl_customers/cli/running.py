"""A command from its words to its exit code: the outermost edge where errors become messages.

Each group of commands has a module, and what is slow to import is imported inside the
commands, so that ``--help`` answers at once.
"""

import gc
import io
import os
import sys
import traceback

import typer

from etl_customers.base.command_wording import COMMANDS_IN_FILES
from etl_customers.base.errors import EtlCustomersError, error_code
from etl_customers.base.private_files import OWNER_ONLY
from etl_customers.cli.pasting import remember_home, runnable
from etl_customers.cli.stopping import noticed_stops

DEBUG_VARIABLE = "ETL_CUSTOMERS_DEBUG"
_USAGE, _BUG, _INTERRUPTED, _BROKEN_PIPE = 2, 70, 130, 141


def run(words: list[str]) -> int:
    """Run the command of some words, as ``etl_customers.cli.main`` says."""
    # A short command mostly imports modules, whose objects all live on: collecting as often as Python does
    # by default costs a twentieth of an import's time (benchmarks/small.py) and finds nothing.
    gc.set_threshold(20_000, 50, 1_000)
    os.umask(OWNER_ONLY)
    wants_json = "--json" in words
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A character that the terminal lacks must not end a command whose work is done.
        sys.stdout.reconfigure(errors="backslashreplace")
    in_files = COMMANDS_IN_FILES.set(runnable)
    try:
        with noticed_stops() as stops:
            try:
                return _run(words)
            except (SystemExit, GeneratorExit):
                raise
            except BaseException as error:  # noqa: BLE001 - the outermost edge; a panic of Polars is no Exception
                number = stops.signal()
                if number is not None:  # whatever broke, broke because of it
                    return _stopped(128 + number, stops.sentence)
                return _explained(error, wants_json)
    finally:
        COMMANDS_IN_FILES.reset(in_files)
        remember_home(None)


def _explained(error: BaseException, wants_json: bool) -> int:
    if isinstance(error, typer.TyperException):
        return _usage_error(error, wants_json)
    if isinstance(error, typer.Abort):
        sys.stderr.write("stopped\n")
        return _INTERRUPTED
    if isinstance(error, EtlCustomersError):
        return _report(str(error), error_code(error), error.exit_code, wants_json)
    if isinstance(error, KeyboardInterrupt):
        return _stopped(_INTERRUPTED, "stopped; you can run the same command again")
    if isinstance(error, BrokenPipeError):
        # Python flushes stdout once more at exit and would complain about the pipe there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return _BROKEN_PIPE
    return _bug(error, wants_json)


def _stopped(code: int, sentence: str) -> int:
    sys.stderr.write(f"\n{sentence}\n")
    return code


def _run(words: list[str]) -> int:
    from etl_customers.cli.app import command

    try:
        with command().make_context("etl-customers", words) as context:
            code = context.command.invoke(context)
            sys.stdout.flush()
    except typer.Exit as stop:
        return int(stop.exit_code)
    return code if isinstance(code, int) else 0


def _usage_error(error: typer.TyperException, wants_json: bool) -> int:
    context = getattr(error, "ctx", None)
    # On one line, and without the class of the error that Typer met.
    message = " ".join(error.format_message().split()).replace(": Value error, ", ": ").rstrip(".")
    if not message and context is not None:
        sys.stderr.write(context.get_help() + "\n")
        return _USAGE
    if context is not None:
        message += f"; see: {context.command_path} --help"
    return _report(message, "usage_error", _USAGE, wants_json)


def _bug(error: BaseException, wants_json: bool) -> int:
    # Only types and places: messages of libraries hold customers' values.
    if os.environ.get(DEBUG_VARIABLE) == "1":
        sys.stderr.write(_places(error))
    message = f"this is a bug in etl-customers ({type(error).__name__}); set {DEBUG_VARIABLE}=1 to see where"
    return _report(message, "bug", _BUG, wants_json)


def _places(error: BaseException) -> str:
    """Return what Python prints of an error and those behind it, but for their messages."""
    lines = traceback.format_tb(error.__traceback__)
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = "" if behind is None else _places(behind)
    return f"{before}{''.join(lines)}{type(error).__module__}.{type(error).__qualname__}\n"


def _report(message: str, code: str, exit_code: int, wants_json: bool) -> int:
    from etl_customers.cli.screen import print_json, say

    if wants_json:
        print_json({"error": {"code": code, "message": message}})
    say(f"error: {message}", error=True)
    return exit_code
