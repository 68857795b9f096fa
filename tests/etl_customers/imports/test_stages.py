"""A file's whole way through the engine, on both databases, without Dagster."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.base.errors import DiskUnavailable, NotFound, UploadRefused
from etl_customers.database.connect import connect
from etl_customers.database.ledger import ImportRecord, failed_rows_of, find_import
from etl_customers.database.tables import customers, failed_rows, identity_keys
from etl_customers.imports import accepting, dry_run, stage_gate, stages, whole
from etl_customers.imports.installation import Installation
from etl_customers.load.failures import staged_failures
from etl_customers.load.passwords import verify_password
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Company, Csv, Settings
from etl_customers.staging import StagingDamaged, open_staging, remove_staging

HEADER = "first_name*,last_name*,email,mobile,password,state,city\n"
FILE = (
    HEADER
    + "Ada,Example,ada@example.com,0491570156,correct horse,NSW,Sydney\n"
    + "Bob,Example,broken,12,battery staple,Quensland,\n"
    + "Ada,Again,ADA@example.com,,,VIC,\n"
    + "Cy,Example,cy@example.com,,,VIC,\n"
)


@pytest.fixture
def installation(tmp_path: Path, target: Engine) -> Installation:
    """A home of its own on a fresh target, of a company in Australia."""
    return Installation(Home(tmp_path / "home").make(), Settings(company=Company(country="AU", city="Sydney")), target)


def write(folder: Path, text: str, name: str = "customers.csv") -> Path:
    """Write a file to import."""
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def load(installation: Installation, path: Path, **options: Any) -> ImportRecord:
    """Import a file with all its stages and return its entry in the ledger."""
    accepted = accepting.accept_upload(installation, path, **options)
    if not accepted.is_repeat:
        whole.run_import(installation, accepted.record.import_id)
    return record_of(installation, accepted.record.import_id)


def record_of(installation: Installation, import_id: str) -> ImportRecord:
    """Return an import's entry in the ledger."""
    with installation.target.connect() as connection:
        record = find_import(connection, import_id)
    assert record is not None
    return record


def failures(installation: Installation, import_id: str) -> dict[int, list[tuple[str, str]]]:
    """Return the column and code of each error by row."""
    with installation.target.connect() as connection:
        rows = failed_rows_of(connection, import_id)
        return {row.row: [(error["column"], error["code"]) for error in row.errors] for row in rows}


def dump(installation: Installation) -> list[tuple[Any, ...]]:
    """Return all that an import wrote, in an order that does not depend on ids or times."""
    with installation.target.connect() as connection:
        loaded = connection.execute(sa.select(customers).order_by(customers.c.import_row)).mappings().all()
        names = {row["id"]: row["import_row"] for row in loaded}
        own = [
            tuple(
                v for k, v in row.items() if k not in ("id", "import_id", "created_at", "updated_at", "password_hash")
            )
            for row in loaded
        ]
        keys = [(k, v, names[c]) for k, v, c in connection.execute(sa.select(identity_keys))]
        failed = connection.execute(
            sa.select(failed_rows.c.row, failed_rows.c.errors).order_by(failed_rows.c.row)
        ).all()
        return [*own, *sorted(keys), *(tuple(row) for row in failed)]


def count(installation: Installation, table: sa.Table) -> int:
    """Return the number of rows of a table."""
    with installation.target.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_every_row_is_loaded_or_listed_with_all_its_reasons(installation: Installation, tmp_path: Path) -> None:
    record = load(installation, write(tmp_path, FILE))
    assert (record.status, record.rows_read, record.rows_loaded, record.rows_failed) == ("finished", 4, 2, 2)
    assert failures(installation, record.import_id) == {
        3: [("email", "invalid_email"), ("mobile", "invalid_phone"), ("state", "unknown_state")],
        4: [("email", "duplicate_in_file")],
    }


def test_a_loaded_customer_has_its_values_and_where_it_came_from(installation: Installation, tmp_path: Path) -> None:
    record = load(installation, write(tmp_path, FILE))
    with installation.target.connect() as connection:
        row = connection.execute(sa.select(customers).where(customers.c.import_row == 2)).mappings().one()
    assert (row["first_name"], row["mobile"], row["country"], row["state"]) == (
        "Ada",
        "+61491570156",
        "AU",
        "New South Wales",
    )
    assert row["import_id"] == record.import_id
    assert verify_password(row["password_hash"], "correct horse")
    assert {"column": "country", "code": "country_defaulted"} in row["warnings"]


def test_the_same_bytes_again_return_the_first_import(installation: Installation, tmp_path: Path) -> None:
    first = load(installation, write(tmp_path, FILE))
    before = dump(installation)
    again = accepting.accept_upload(installation, write(tmp_path, FILE, "other name.csv"))
    assert again.is_repeat
    assert again.record == first
    assert dump(installation) == before


def test_a_name_that_reads_as_a_pattern_or_a_statement_is_a_name(target_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "[ab]*'; drop table customers; --"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        write(folder, FILE.replace("Ada", name), name)
    named = write(folder, "first_name,last_name,city\nOnly,This,Sydney\n", "[ab]*?.csv")
    target = connect(target_url)
    shop = Installation(Home(folder / "home").make(), Settings(company=Company(country="AU")), target)
    record = load(shop, named)
    assert (record.status, record.rows_read, record.rows_loaded, record.file_name) == ("finished", 1, 1, "[ab]*?.csv")
    with dry_run.dry_run(shop, named, again=True) as tried:
        assert tried.staging.rows("select c0 from raw_csv") == [("Only",)]
    target.dispose()


def test_importing_really_again_fails_every_row_that_exists(installation: Installation, tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "Ada,Example,ada@example.com,,,,Sydney\nNo,Contact,,,,,Sydney\n")
    first = load(installation, path)
    second = load(installation, path, again=True)
    assert second.import_id != first.import_id
    assert failures(installation, second.import_id) == {
        2: [("email", "already_exists")],
        3: [("name and address", "already_exists")],
    }


def test_a_refused_file_loads_nothing_and_leaves_no_copy(installation: Installation, tmp_path: Path) -> None:
    path = write(tmp_path, FILE.replace("email", "favourite colour"))
    with pytest.raises(UploadRefused) as refusal:
        load(installation, path)
    record = accepting.accept_upload(installation, write(tmp_path, FILE)).record  # a bystander
    with installation.target.connect() as connection:
        refused = connection.execute(sa.text("select * from imports where status = 'refused'")).mappings().one()
    assert refused["refusal_code"] == refusal.value.code
    assert refused["refusal_message"] == str(refusal.value)
    assert count(installation, customers) == 0
    assert [path.stem for path in installation.home.uploads.iterdir()] == [record.import_id]


def test_a_refused_import_says_so_when_it_is_run_again(installation: Installation, tmp_path: Path) -> None:
    accepted = accepting.accept_upload(installation, write(tmp_path, "nonsense\n1\n"))
    with pytest.raises(UploadRefused) as first:
        stages.run_raw_csv(installation, accepted.record.import_id)
    with pytest.raises(UploadRefused) as second:
        stages.run_validated_customers(installation, accepted.record.import_id)
    assert str(second.value) == str(first.value)
    assert not installation.staging_path(accepted.record.import_id).exists()


def test_a_refused_file_may_be_tried_again_under_the_same_id(installation: Installation, tmp_path: Path) -> None:
    path = write(tmp_path, FILE.replace("email", "Shoe size"))
    with pytest.raises(UploadRefused):
        load(installation, path)
    settings = Settings(company=Company(country="AU", city="Sydney"), csv={"ignore_unknown_columns": True})
    record = load(Installation(installation.home, settings, installation.target), path)
    assert record.status == "finished"
    assert count(installation, sa.Table("imports", sa.MetaData())) == 1


@pytest.mark.parametrize("done", [1, 2, 3, 4])
def test_an_import_that_broke_off_goes_on_from_any_stage(installation: Installation, tmp_path: Path, done: int) -> None:
    import_id = accepting.accept_upload(installation, write(tmp_path, FILE)).record.import_id
    in_order: list[Callable[[Installation, str], object]] = [
        stages.run_raw_csv,
        stages.run_validated_customers,
        stages.run_deduplicated_customers,
        stages.run_loaded_customers,
    ]
    for stage in in_order[:done]:
        stage(installation, import_id)
    record = load(installation, write(tmp_path, FILE))
    assert (record.import_id, record.rows_loaded, record.rows_failed) == (import_id, 2, 2)
    assert count(installation, customers) == 2


def test_stages_of_a_finished_import_change_nothing_and_report_its_counts(
    installation: Installation, tmp_path: Path
) -> None:
    import_id = load(installation, write(tmp_path, FILE)).import_id
    before = dump(installation)
    for _ in range(2):
        assert stages.run_raw_csv(installation, import_id).read == 4
        validated = stages.run_validated_customers(installation, import_id)
        assert (validated.validated, validated.failed) == (3, 1)
        deduplicated = stages.run_deduplicated_customers(installation, import_id)
        assert (deduplicated.deduplicated, deduplicated.failed) == (2, 1)
        assert stages.run_loaded_customers(installation, import_id).loaded == 2
        remove_staging(installation.staging_path(import_id))
    assert stages.run_failed_rows(installation, import_id) == 0
    assert dump(installation) == before
    assert not installation.staging_path(import_id).exists()


def test_the_upload_is_deleted_when_its_import_ends(installation: Installation, tmp_path: Path) -> None:
    load(installation, write(tmp_path, FILE))
    assert list(installation.home.uploads.iterdir()) == []


def test_an_upload_that_a_crash_left_is_swept_once_its_import_has_ended(
    installation: Installation, tmp_path: Path
) -> None:
    ended = load(installation, write(tmp_path, FILE)).import_id
    installation.upload_path(ended).write_text("left over")
    load(installation, write(tmp_path, HEADER + "Di,Example,,,,,Sydney\n", "other.csv"))
    assert list(installation.home.uploads.iterdir()) == []


def test_a_corrected_failed_rows_file_loads_is_linked_and_keeps_the_passwords(
    installation: Installation, tmp_path: Path
) -> None:
    first = load(installation, write(tmp_path, FILE))
    with installation.failed_rows_path(first.import_id).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == ["3", "4"]
    assert {row["password"] for row in rows} == {""}
    assert "Queensland" in rows[0]["errors"]
    rows[0].update(email="bob@example.com", mobile="0491570157", state="Queensland")
    rows[1].update(email="other@example.com")
    corrected = tmp_path / "corrected.csv"
    with corrected.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    second = load(installation, corrected)
    assert (second.rows_loaded, second.rows_failed, second.parent_import_id) == (2, 0, first.import_id)
    with installation.target.connect() as connection:
        hashed = connection.scalar(sa.select(customers.c.password_hash).where(customers.c.email == "bob@example.com"))
    assert verify_password(str(hashed), "battery staple")


def test_a_password_is_nowhere_but_in_the_file_and_as_a_hash(installation: Installation, tmp_path: Path) -> None:
    import_id = accepting.accept_upload(installation, write(tmp_path, FILE)).record.import_id
    stages.run_raw_csv(installation, import_id)
    stages.run_validated_customers(installation, import_id)
    staged = [path for path in installation.home.staging.rglob("*") if path.is_file()]
    whole.run_import(installation, import_id)
    everything = staged + [path for path in installation.home.path.rglob("*") if path.is_file()]
    assert not [
        path for path in everything if b"battery staple" in path.read_bytes() or b"correct horse" in path.read_bytes()
    ]
    assert "battery staple" not in json.dumps(dump(installation), default=str)


def test_a_dry_run_gives_the_answer_of_the_run_and_loads_nothing(installation: Installation, tmp_path: Path) -> None:
    path = write(tmp_path, FILE)
    with dry_run.dry_run(installation, path) as dry:
        assert dry.read is not None
        to_load = dry.staging.number("select count(*) from deduplicated_rows")
        errors = set(dry.staging.rows('select "row", "column", code from row_errors'))
        read = dry.read.read
    assert count(installation, customers) == 0
    assert not list(installation.home.staging.iterdir())
    record = load(installation, path)
    assert (read, to_load) == (record.rows_read, record.rows_loaded)
    assert errors == {
        (row, c, code) for row, found in failures(installation, record.import_id).items() for c, code in found
    }


def test_a_dry_run_of_an_imported_file_names_that_import(installation: Installation, tmp_path: Path) -> None:
    path = write(tmp_path, FILE)
    record = load(installation, path)
    with dry_run.dry_run(installation, path) as dry:
        assert dry.repeat == record
    with dry_run.dry_run(installation, path, again=True) as dry:
        assert dry.repeat is None


def test_a_dry_run_of_a_file_that_would_be_refused_says_why(installation: Installation, tmp_path: Path) -> None:
    with dry_run.dry_run(installation, write(tmp_path, "nonsense\n1\n")) as dry:
        assert dry.refusal is not None


def test_a_stage_whose_input_is_not_here_says_where_to_begin(installation: Installation, tmp_path: Path) -> None:
    import_id = accepting.accept_upload(installation, write(tmp_path, FILE)).record.import_id
    with pytest.raises(stage_gate.StageMissing, match="raw_csv"):
        stages.run_validated_customers(installation, import_id)
    installation.upload_path(import_id).unlink()
    for stage in (stages.run_raw_csv, stages.run_validated_customers):
        with pytest.raises(stage_gate.UploadGone, match="not in this home: the import began in another"):
            stage(installation, import_id)


def test_an_unknown_import_is_not_found(installation: Installation) -> None:
    with pytest.raises(NotFound):
        stages.run_raw_csv(installation, "csv-20260101T000000Z-00000000")
    assert not list(installation.home.staging.iterdir())


@pytest.mark.parametrize("left", [b"", b"x" * 20_000], ids=["empty, as a killed process leaves it", "no DuckDB file"])
def test_a_staging_file_that_is_none_is_made_anew_from_the_upload(
    installation: Installation, tmp_path: Path, left: bytes
) -> None:
    import_id = accepting.accept_upload(installation, write(tmp_path, FILE)).record.import_id
    installation.staging_path(import_id).write_bytes(left)
    whole.run_import(installation, import_id)
    assert record_of(installation, import_id).rows_loaded == 2


def test_a_staging_file_whose_blocks_are_damaged_is_made_anew_from_the_upload(
    installation: Installation, tmp_path: Path
) -> None:
    import_id = accepting.accept_upload(installation, write(tmp_path, FILE)).record.import_id
    stages.run_raw_csv(installation, import_id)
    path = installation.staging_path(import_id)
    content = bytearray(path.read_bytes())
    content[4096 + 20] ^= 0xFF
    content[8192 + 20] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(StagingDamaged):
        stages.run_validated_customers(installation, import_id)
    whole.run_import(installation, import_id)
    assert record_of(installation, import_id).rows_loaded == 2


def test_a_failed_rows_file_that_cannot_be_written_does_not_deny_the_load(
    installation: Installation, tmp_path: Path
) -> None:
    import_id = accepting.accept_upload(installation, write(tmp_path, FILE)).record.import_id
    installation.failed_rows_path(import_id).mkdir()
    with pytest.raises(DiskUnavailable, match="nothing is half done") as raised:
        whole.run_import(installation, import_id)
    assert "nothing was loaded" not in str(raised.value)
    assert record_of(installation, import_id).rows_loaded == 2


def test_a_stage_that_waited_for_a_faster_process_leaves_the_staging_file_of_that_one(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "first_name,last_name,email\nAda,Byron,none\n")
    import_id = accepting.accept_upload(installation, path).record.import_id

    def open_after_another(path: Path, limit: int) -> Any:
        monkeypatch.undo()
        whole.run_import(installation, import_id)
        return open_staging(path, limit)

    monkeypatch.setattr("etl_customers.imports.stage_gate.open_staging", open_after_another)
    assert stages.run_raw_csv(installation, import_id).read == 1
    installation.failed_rows_path(import_id).unlink()
    assert stages.run_failed_rows(installation, import_id) == 1


SHIFTED = (
    "first_name,last_name,email,street_address,city,postcode,business_name\n"
    "Ann,Ash,ann@shop.com.au,12 High St, Unit 4,Perth,6000,\n"
    "Bob,Bay,bob@shop.com.au,3 Low St,Perth,6000,\n"
    "Cy,Coy,cy@shop.com.au,5 Low St, Flat 2,Perth,6000,Coy Ltd\n"
    "Di,Doe,di@shop.com.au,7 Low St,Perth\n"
    "Ed,Elm,ed@shop.com.au,8 Low St,Perth,6000,\n"
    "Flo,Fig,flo@shop.com.au,9 Low St,Perth,6000,\n"
)


def test_rows_whose_cells_are_shifted_fail_and_the_others_load(installation: Installation, tmp_path: Path) -> None:
    record = load(installation, write(tmp_path, SHIFTED))
    assert (record.rows_read, record.rows_loaded, record.rows_failed) == (6, 3, 3)
    header, *rows = failed_file(installation, record)
    assert header[-2:] == ["beyond_1", "errors"]
    assert [row[2:9] for row in rows] == [
        ["Ann", "Ash", "ann@shop.com.au", "12 High St", " Unit 4", "Perth", "6000"],
        ["Cy", "Coy", "cy@shop.com.au", "5 Low St", " Flat 2", "Perth", "6000"],
        ["Di", "Doe", "di@shop.com.au", "7 Low St", "Perth", "", ""],
    ]
    assert rows[0][9].startswith("(not corrected ")
    assert rows[1][9] == "Coy Ltd"
    assert rows[2][9].startswith("(not corrected ")
    assert all("row has too" in row[-1] for row in rows)


def test_ragged_rows_load_once_corrected_and_fail_again_until_then(installation: Installation, tmp_path: Path) -> None:
    first = load(installation, write(tmp_path, SHIFTED))
    again = load(installation, installation.failed_rows_path(first.import_id))
    assert (again.rows_read, again.rows_loaded, again.rows_failed) == (3, 0, 3)
    header, *rows = failed_file(installation, again)
    assert [row[9] for row in rows] == [row[9] for row in failed_file(installation, first)[1:]]
    assert "was not corrected; if it is right as it is, empty beyond_1" in rows[2][-1]
    rows[2][9] = ""  # the row is right as it is
    for row in rows[:2]:
        row[5:10] = [f"{row[5]},{row[6]}", row[7], row[8], row[9], ""]
    rows[0][8] = ""
    corrected = tmp_path / "corrected.csv"
    with corrected.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    done = load(installation, corrected)
    assert (done.rows_loaded, done.rows_failed, done.parent_import_id) == (3, 0, again.import_id)
    with installation.target.connect() as connection:
        query = sa.select(customers.c.street_address, customers.c.city, customers.c.business_name)
        found = connection.execute(
            query.where(customers.c.import_id == done.import_id).order_by(customers.c.import_row)
        )
        assert [tuple(row) for row in found] == [
            ("12 High St, Unit 4", "Perth", None),
            ("5 Low St, Flat 2", "Perth", "Coy Ltd"),
            ("7 Low St", "Perth", None),
        ]


def test_a_dry_run_tells_of_ragged_rows_as_the_run_does(installation: Installation, tmp_path: Path) -> None:
    path = write(tmp_path, SHIFTED)
    with dry_run.dry_run(installation, path) as tried:
        dry = list(staged_failures(tried.staging, 0, 100))
    record = load(installation, path)
    with installation.target.connect() as connection:
        assert [(row.row, row.errors) for row in dry] == [
            (row.row, row.errors) for row in failed_rows_of(connection, record.import_id)
        ]


TEXT_FORMULAS = (
    '="first_name",last_name,city,postcode,street_address\n'
    '="Ann",Smith,Darwin,="0800","=""12 """"High"""" St"""\n'
    'Bob,="",Darwin,="0801",="12"\n'
)


def test_a_text_written_as_a_formula_is_that_text_and_comes_back_as_it_was(
    installation: Installation, tmp_path: Path
) -> None:
    record = load(installation, write(tmp_path, TEXT_FORMULAS))
    with installation.target.connect() as connection:
        found = connection.execute(sa.select(customers.c.first_name, customers.c.postcode, customers.c.street_address))
        assert [tuple(row) for row in found] == [("Ann", "0800", '12 "High" St')]
    header, row = failed_file(installation, record)
    assert row[2:7] == ["Bob", '\'=""', "Darwin", '\'="0801"', '\'="12"']
    row[3] = "Ray"
    corrected = tmp_path / "corrected.csv"
    with corrected.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, row])
    assert load(installation, corrected).rows_loaded == 1
    with installation.target.connect() as connection:
        assert connection.scalar(sa.select(customers.c.postcode).where(customers.c.last_name == "Ray")) == "0801"


def failed_file(installation: Installation, record: ImportRecord) -> list[list[str]]:
    """Return the failed-rows file of an import."""
    with installation.failed_rows_path(record.import_id).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, strict=True))


def test_columns_that_are_left_out_are_named_and_those_with_contacts_warned_of(
    installation: Installation, tmp_path: Path
) -> None:
    text = "First Name,Last Name,City,Title,Way\nAnn,Ash,Perth,Head of Sales,ann@shop.com.au\nBob,Bay,Perth,,0412 345 678\n"
    aliases = {"Title": "", "Way": ""}
    settings = installation.settings.model_copy(update={"csv": Csv(aliases=aliases)})
    record = load(replace(installation, settings=settings), write(tmp_path, text))
    assert record.rows_loaded == 2
    assert [(one["column"], one["code"]) for one in record.warnings or ()] == [
        ("'Title'", "column_left_out"),
        ("'Way'", "column_left_out"),
        ("'Way'", "contact_left_out"),
    ]


def test_a_title_column_of_job_titles_refuses_the_file_and_names_what_leaves_it_out(
    installation: Installation, tmp_path: Path
) -> None:
    path = write(
        tmp_path, "first_name,last_name,city,Title\nAnn,Ash,Perth,Head of Sales\nBob,Bay,Perth,Mr\nCy,Coy,Perth,CFO\n"
    )
    with pytest.raises(
        UploadRefused, match=r"most cells under 'Title' .*settings set csv\.aliases\.Title ''"
    ) as raised:
        load(installation, path)
    assert raised.value.code == "not_titles"
    without = replace(
        installation, settings=Settings(company=installation.settings.company, csv=Csv(aliases={"Title": ""}))
    )
    record = load(without, path)
    assert (record.rows_loaded, record.rows_failed) == (3, 0)


def test_a_title_that_is_none_among_titles_fails_its_row_alone(installation: Installation, tmp_path: Path) -> None:
    record = load(
        installation,
        write(tmp_path, "first_name,last_name,city,Title\nAnn,Ash,Perth,Prof\nBob,Bay,Perth,mr.\nCy,Coy,Perth,\n"),
    )
    assert failures(installation, record.import_id) == {2: [("customer_title", "unknown_title")]}


def test_failed_rows_are_no_file_of_job_titles(installation: Installation, tmp_path: Path) -> None:
    first = load(
        installation,
        write(tmp_path, "first_name,last_name,city,Title\nAnn,Ash,Perth,Prof\nBob,Bay,Perth,mr.\nCy,Coy,Perth,\n"),
    )
    again = load(installation, installation.failed_rows_path(first.import_id))
    assert failures(installation, again.import_id) == {2: [("customer_title", "unknown_title")]}


def test_a_header_of_which_most_is_unknown_is_named_by_its_texts(installation: Installation, tmp_path: Path) -> None:
    unknown = [f"Column {letter}" for letter in "ABCDEFGH"]
    path = write(
        tmp_path, ",".join(["First Name", "Last Name", "Email", *unknown]) + "\nAnn,Ash,a@example.com" + "," * 8
    )
    with pytest.raises(UploadRefused) as raised:
        load(installation, path)
    assert raised.value.code == "unknown_columns"
    assert all(f"'{header}'" in str(raised.value) for header in unknown)


def test_a_row_of_which_one_cell_alone_is_a_header_is_not_printed(installation: Installation, tmp_path: Path) -> None:
    with pytest.raises(UploadRefused) as raised:
        load(
            installation, write(tmp_path, "Canaryann,City,Canaryash,canary@example.com\nBob,Perth,Bay,b@example.com\n")
        )
    assert "anary" not in str(raised.value)
