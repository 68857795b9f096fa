"""The catalogue of refusals: each is raised, with just the facts that it names, and says what to do."""

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl_customers.base.errors import PullRefused, ReconnectNeeded, RefusedWhole, UploadRefused
from etl_customers.columns.header_refusals import duplicate_columns, unfit_columns
from etl_customers.imports.stage_gate import AlreadyRefused, PullAlreadyRefused
from etl_customers.pull.client import RequestRefused
from schemas.refusals import FileReason, PullReason, Reason

ENGINE = Path(__file__).parents[2] / "etl_customers"
REASONS: tuple[Reason, ...] = (*FileReason, *PullReason)


def one_of(reason: Reason) -> RefusedWhole:
    """A refusal for the reason, with a number for each fact."""
    facts: dict[str, str | int] = {fact: "xero" if fact == "provider" else 3 for fact in reason.facts}
    return (UploadRefused if isinstance(reason, FileReason) else PullRefused)(reason, **facts)


def named_in_engine() -> Iterator[tuple[Reason, str, list[str] | None]]:
    """Each place of the engine where a reason is named: what is called with it, and the facts that it is given.

    No facts where they do not stand beside the reason.
    """
    for path in sorted(ENGINE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        of_calls = {
            id(call.args[0]): call for call in ast.walk(tree) if isinstance(call, ast.Call) and len(call.args) == 1
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("FileReason", "PullReason"):
                reasons = FileReason if ast.unparse(node.value) == "FileReason" else PullReason
                call = of_calls.get(id(node))
                given = None if call is None else [keyword.arg or "**" for keyword in call.keywords]
                yield reasons[node.attr], "" if call is None else ast.unparse(call.func).rpartition(".")[2], given


def test_every_reason_is_raised_and_with_the_facts_that_it_names() -> None:
    raised = set()
    for reason, called, given in named_in_engine():
        if called == "is_for":
            continue
        raised.add(reason)
        if given is not None and called != "super().__init__":
            kinds = (
                ("UploadRefused", "BrokenRecord", "__init__")
                if isinstance(reason, FileReason)
                else ("PullRefused", "__init__")
            )
            assert called in kinds, reason
            assert set(given) == reason.facts, reason
    assert raised == set(REASONS)


@pytest.mark.parametrize("reason", REASONS, ids=str)
def test_a_fact_too_many_or_too_few_fails_where_it_is_raised(reason: Reason) -> None:
    facts = one_of(reason).facts
    with pytest.raises(TypeError, match="takes the facts"):
        RefusedWhole(reason, **facts, colour="red")
    for fact in facts:
        with pytest.raises(TypeError, match="takes the facts"):
            RefusedWhole(reason, **{name: value for name, value in facts.items() if name != fact})


@pytest.mark.parametrize("reason", REASONS, ids=str)
def test_a_message_is_one_line_without_places_and_says_what_to_do(reason: Reason) -> None:
    message = str(one_of(reason))
    assert not set("\n{}") & set(message)
    # Whoever blanks the passwords of a file says what to do.
    assert any(mark in message for mark in (";", ":")) or reason is FileReason.PASSWORDS_NOT_FOUND


def test_no_two_reasons_say_the_same() -> None:
    assert len({reason.text for reason in REASONS}) == len(REASONS)
    assert len(FileReason.__members__) + len(PullReason.__members__) == len(REASONS)
    assert not {reason.code for reason in FileReason} & {reason.code for reason in PullReason}


def test_a_refusal_is_the_same_after_pickling() -> None:
    others = (
        ReconnectNeeded("xero", "42"),
        RequestRefused(PullReason.FORBIDDEN, "quickbooks", "42", "status 403", "1-2"),
        AlreadyRefused("not_utf8", "line 3 of the file is not {text}"),
        PullAlreadyRefused("reconnect", "Xero does not accept it"),
    )
    for refusal in (*map(one_of, REASONS), *others):
        again = pickle.loads(pickle.dumps(refusal))  # noqa: S301
        assert (type(again), str(again), vars(again)) == (type(refusal), str(refusal), vars(refusal))


def test_a_fact_is_shown_as_it_is_even_with_braces() -> None:
    assert "'{max_bytes}'" in str(UploadRefused(FileReason.UNKNOWN_ENCODING, encoding="'{max_bytes}'"))


def test_a_refused_header_names_at_most_ten_columns_of_each_kind() -> None:
    many = [f"column {number}" for number in range(13)]
    for is_stale in (True, False):
        assert str(unfit_columns(many, many, is_stale=is_stale)).count("column 9 and 3 more") == 2
    assert "and 3 more" in str(duplicate_columns((name, (1, 2)) for name in many))
