"""Settings, doctor, states and the database's tables from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.etl_customers.cli.conftest import target_of


def test_settings_say_where_each_value_was_read(run: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    (home / "settings.toml").write_text('[company]\ncity = "Sydney"\n', encoding="utf-8")
    monkeypatch.setenv("ETL_CUSTOMERS_COMPANY__COUNTRY", "AU")
    listed = {one["name"]: one for one in json.loads(run("settings", "--json").out)["settings"]}
    assert listed["company.city"]["origin"] == str(home / "settings.toml")
    assert listed["company.country"] == {
        "name": "company.country",
        "value": "AU",
        "origin": "ETL_CUSTOMERS_COMPANY__COUNTRY",
    }
    assert listed["csv.max_rows"]["origin"] == "default"


def test_the_doctor_is_content_before_and_after_an_import(run: Any, imported: tuple[Path, Path]) -> None:
    assert run("doctor").code == 0
    healthy = run("doctor", at=imported[0])
    assert healthy.code == 0, healthy.out
    assert "PROBLEM" not in healthy.out


def test_the_doctor_names_a_home_that_others_can_read(run: Any, home: Path) -> None:
    run("imports")
    home.chmod(0o755)
    examined = run("doctor")
    assert examined.code == 1
    assert f"chmod 700 {home}" in examined.out


def test_the_doctor_names_an_alias_that_takes_a_header_of_the_accounts_own(run: Any, home: Path) -> None:
    run("fields", "add", "Loyalty")
    (home / "settings.toml").write_text('[csv.aliases]\nTown = "city"\n')
    assert "each names a different column" in run("doctor").out
    (home / "settings.toml").write_text('[csv.aliases]\nTown = "city"\nloyalty = "suburb"\n')
    examined = run("doctor")
    assert examined.code == 1
    assert "'loyalty' is also a header of the custom field loyalty" in examined.out.replace("\n", " ")


def test_the_doctor_names_a_home_that_is_no_folder(run: Any, home: Path) -> None:
    home.touch()
    examined = run("doctor")
    assert examined.code == 3
    assert f"PROBLEM  home: {home} is not a folder" in examined.out
    assert examined.out.count("PROBLEM") == 1


def test_the_doctor_exits_with_3_when_the_database_is_down(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/nothing")
    examined = run("doctor", "--json")
    assert examined.code == 3
    assert "secret" not in examined.out
    finding = next(one for one in json.loads(examined.out)["findings"] if one["what"] == "database")
    assert finding["ok"] is False


def test_the_doctor_counts_what_waits_in_rejected(run: Any, imported: tuple[Path, Path]) -> None:
    for name in ("a.csv", "a.csv.why.txt", "b.csv", "b.csv.why.txt"):
        (imported[0] / "inbox/rejected" / name).touch()
    examined = run("doctor", at=imported[0])
    assert examined.code == 0
    assert "2 in inbox/rejected" in examined.out


def test_the_doctor_names_uploads_left_of_ended_imports(
    run: Any, imported: tuple[Path, Path], record: dict[str, Any]
) -> None:
    left = imported[0] / "uploads" / f"{record['import_id']}.upload"
    left.touch()
    try:
        assert run("doctor", at=imported[0]).code == 1
    finally:
        left.unlink()


def test_states_lists_those_of_a_country_and_suggests_the_nearest(run: Any) -> None:
    listed = json.loads(run("states", "australia", "--json").out)
    assert listed["country"] == "AU"
    assert {"code": "NSW", "name": "New South Wales"} in listed["states"]
    wrong = run("states", "Austrlia")
    assert wrong.code == 2
    assert "Australia" in wrong.err


def test_another_database_is_upgraded_by_command_only(
    run: Any, empty_postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_CUSTOMERS_DATABASE_URL", empty_postgresql_url)
    refused = run("imports")
    assert refused.code == 3
    assert "etl-customers database upgrade" in refused.err
    assert run("database", "status").code == 1
    assert run("database", "upgrade").code == 0
    assert run("database", "status").code == 0
    assert run("imports").code == 0


def test_an_import_that_never_ended_is_found(run: Any, tmp_path: Path, home: Path) -> None:
    from datetime import UTC, datetime, timedelta

    import sqlalchemy as sa

    from etl_customers.database.connect import writing
    from etl_customers.database.tables import imports

    run("imports")
    with target_of(home) as target, writing(target) as connection:
        connection.execute(
            sa.insert(imports).values(
                import_id="csv-20260101T000000Z-00000000",
                source="csv",
                status="accepted",
                content_key="0",
                accepted_at=datetime.now(UTC) - timedelta(days=1),
            )
        )
    assert "csv-20260101T000000Z-00000000" in run("doctor").out
