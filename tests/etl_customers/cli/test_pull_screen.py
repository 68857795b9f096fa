"""What a person reads of a pull: customers counted by reason, and what to do about them."""

import re
from dataclasses import replace

import pytest

from etl_customers.cli.pull_screen import print_pull
from etl_customers.report.pull_result import CountedKind, CountedReason, KeptEdited, PulledCounts, PullResult
from schemas.codes import message


def ended(*reasons: tuple[str, int]) -> PullResult:
    """Return a pull of Xero that ended with so many customers for each reason; none has two."""
    failed = sum(customers for _, customers in reasons)
    return PullResult(
        import_id="xero-1",
        source="xero",
        connection="t-1",
        status="finished",
        is_full=True,
        rows=PulledCounts(fetched=failed + 1, created=1, not_synced=failed),
        not_synced=[],
        reasons=[CountedReason(code, message(code, "email", "7"), count, ["a", ""]) for code, count in reasons],
        left_out=sum(count for code, count in reasons if code == "supplier_only"),
        vanished=0,
        vanished_ids=[],
        is_complete=True,
        warnings=[],
        kinds=[],
        kept_edited=[],
        not_synced_file=None,
        refusal=None,
        why_incomplete=None,
        why_deletions_unknown=None,
        repeat=False,
    )


def shown(capsys: pytest.CaptureFixture[str], *reasons: tuple[str, int]) -> str:
    """Print such a pull."""
    print_pull(ended(*reasons))
    return capsys.readouterr().out


def test_what_is_left_out_on_purpose_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert (ended(("supplier_only", 1)).exit_code, ended(("invalid_record", 1)).exit_code) == (0, 1)
    out = shown(capsys, ("supplier_only", 1))
    assert out.startswith("Xero, all customers: 1 of 2 customers synced\n")
    assert "Correct" not in out


def test_customers_are_counted_by_reason_apart_from_those_left_out_on_purpose(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = shown(capsys, ("invalid_record", 2), ("supplier_only", 70))
    assert "Not synced (2)" in out
    assert "Left out on purpose (70)" in out
    assert "a, without an id …" in out
    assert "Correct them at Xero, then run: etl-customers pull xero --tenant t-1\n" in out


def test_kinds_of_contacts_are_counted_with_what_becomes_of_them_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = [CountedKind("customers", 14, True), CountedKind("both", 0, True)]
    kinds += [CountedKind("suppliers_only", 15, False), CountedKind("neither", 30, True)]
    print_pull(replace(ended(), kinds=kinds))
    out = capsys.readouterr().out
    assert "What Xero has\n" in out
    assert re.search(r"\n *14 +customers +taken *\n", out)
    assert re.search(r"15 +suppliers only +left out, because xero\.include_suppliers = false", out)
    assert re.search(
        r"30 +contacts that have no sales and no purchases +taken, because xero\.include_unused = true", out
    )
    assert "also suppliers" not in out
    print_pull(replace(ended(), kinds=kinds[:2]))
    assert "What Xero has" not in capsys.readouterr().out


def test_columns_that_were_edited_here_and_changed_there_are_listed_with_the_ids(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = [KeptEdited("a", "email"), KeptEdited("a", "phone"), *(KeptEdited(one, "email") for one in "bcd")]
    print_pull(replace(ended(), kept_edited=kept))
    out = capsys.readouterr().out
    assert "4 customers, edited here and since changed at the provider; your edits were kept, see below" in out
    assert "Kept as edited here, although Xero now has another value" in out
    assert re.search(r"4 +email +a, b, c …", out)
    assert re.search(r"1 +phone +a\b", out)


def test_who_vanished_is_told_of_by_ids_and_not_once_everybody_is_back(capsys: pytest.CaptureFixture[str]) -> None:
    print_pull(replace(ended(), vanished=5, vanished_ids=["a", "b", "c", "d"]))
    assert "4 customers, merged or deleted at the provider; now inactive here; ids at the provider: a, b, c …" in (
        capsys.readouterr().out
    )
    print_pull(replace(ended(), vanished=1, vanished_ids=[]))
    print_pull(replace(ended(), vanished=1, vanished_ids=[], status="undone"))
    assert "inactive" not in capsys.readouterr().out


def test_who_is_there_from_elsewhere_can_be_linked(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, ("already_exists", 1), ("invalid_record", 1))
    assert (
        "etl-customers settings set xero.link_existing true, then: etl-customers pull xero --tenant t-1 --full\n" in out
    )
    assert "Correct others at Xero" in out
    assert "link_existing" not in shown(capsys, ("invalid_record", 1))
