"""A home that an earlier version of the program made goes on working, also an import that was under way in it."""

import csv
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from etl_customers import imports
from etl_customers.editing import edit
from etl_customers.folding import name_address_keys
from etl_customers.load.passwords import verify_password
from etl_customers.migrations import HEAD
from etl_customers.migrations.run import migration_config
from etl_customers.settings import Home
from etl_customers.staging import open_staging
from etl_customers.target.connect import connect, current_version, reading, upgrade
from etl_customers.target.edits import KeyTaken
from etl_customers.target.ledger import ACCEPTED, FINISHED, ImportRecord, failed_rows_of
from etl_customers.target.tables import customers, identity_keys
from etl_customers.target.tables import imports as ledger
from etl_customers.undoing import undo
from etl_customers.workshop import Workshop, open_workshop
from schemas.columns import NAME_ADDRESS_KIND
from tests.earlier_home import FIRST, UNDER_WAY
from tests.environment import COUNTRY
from tests.imported import record_of

(SEAN,) = name_address_keys(
    [("sean", "oneil", None, None, "2 high st", None, "sydney", "new south wales", "2000", "au")]
)
HOMES = sorted((Path(__file__).parents[1] / "data").glob("home-of-*.tar.xz"))


@pytest.fixture(params=HOMES, ids=lambda path: path.name.partition(".")[0])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home's folder as it was left, not yet opened; its settings say the country."""
    monkeypatch.delenv(COUNTRY)
    path = tmp_path / "home"
    with tarfile.open(request.param) as archive:
        archive.extractall(path, filter="data")
    return path


@pytest.fixture
def workshop(folder: Path) -> Iterator[Workshop]:
    """The home, opened by today's program."""
    opened = open_workshop(Home(folder))
    yield opened
    opened.target.dispose()


def import_of(workshop: Workshop, file_name: str) -> ImportRecord:
    """Return the import of a file that the earlier version accepted."""
    with reading(workshop.target) as connection:
        found = connection.scalars(sa.select(ledger.c.import_id).where(ledger.c.file_name == file_name)).one()
    return record_of(workshop, found)


def names(workshop: Workshop) -> list[tuple[str, str]]:
    """Return first and last name of every customer, in the order of their ids."""
    with reading(workshop.target) as connection:
        found = connection.execute(sa.select(customers.c.first_name, customers.c.last_name).order_by(customers.c.id))
        return [(first, last) for first, last in found]


def write(tmp_path: Path, text: str) -> Path:
    """Write a file to import."""
    path = tmp_path / "today.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_there_is_a_home_of_an_earlier_version() -> None:
    assert HOMES


def test_its_customers_and_imports_are_there_and_its_tables_are_todays(workshop: Workshop) -> None:
    first = import_of(workshop, "first.csv")

    assert current_version(workshop.target) == HEAD
    assert (first.status, first.rows_read, first.rows_loaded, first.rows_failed) == (FINISHED, 6, 4, 2)
    assert names(workshop)[0] == ("Ann", "Ash")
    assert len(names(workshop)) == 4


def test_the_import_that_was_under_way_goes_on_where_it_stopped(workshop: Workshop) -> None:
    import_id = import_of(workshop, "underway.csv").import_id
    assert record_of(workshop, import_id).status == ACCEPTED

    imports.run_deduplicated_customers(workshop, import_id)
    imports.run_loaded_customers(workshop, import_id)
    written = imports.run_failed_rows(workshop, import_id)

    record = record_of(workshop, import_id)
    assert (record.status, record.rows_loaded, record.rows_failed, written) == (FINISHED, 1, 2, 2)
    with reading(workshop.target) as connection:
        password = connection.scalars(
            sa.select(customers.c.password_hash).where(customers.c.last_name == "Early")
        ).one()
    assert verify_password(password, "secret three")


def test_the_same_file_again_goes_on_with_the_import_that_was_under_way(workshop: Workshop, tmp_path: Path) -> None:
    accepted = imports.accept_upload(workshop, write(tmp_path, UNDER_WAY))
    assert accepted.record.import_id == import_of(workshop, "underway.csv").import_id

    imports.run_import(workshop, accepted.record.import_id)

    assert record_of(workshop, accepted.record.import_id).rows_loaded == 1


def test_its_failed_rows_are_corrected_and_take_their_passwords_from_there(workshop: Workshop, tmp_path: Path) -> None:
    with workshop.failed_rows_path(import_of(workshop, "first.csv").import_id).open(encoding="utf-8-sig") as text:
        header, *rows = csv.reader(text)
    (bob,) = [row for row in rows if "Bob" in row]
    bob[header.index("last_name")], bob[header.index("state")] = "Bay", "NSW"
    path = tmp_path / "corrected.csv"
    with path.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text).writerows([header, bob])

    import_id = imports.accept_upload(workshop, path).record.import_id
    imports.run_import(workshop, import_id)

    assert record_of(workshop, import_id).rows_loaded == 1
    with reading(workshop.target) as connection:
        password = connection.scalars(sa.select(customers.c.password_hash).where(customers.c.last_name == "Bay")).one()
    assert verify_password(password, "secret two")


def test_nobody_who_is_there_is_loaded_again(workshop: Workshop, tmp_path: Path) -> None:
    import_id = imports.accept_upload(workshop, write(tmp_path, FIRST), again=True).record.import_id

    imports.run_import(workshop, import_id)

    record = record_of(workshop, import_id)
    assert (record.rows_read, record.rows_loaded) == (6, 0)


def test_of_two_who_differ_by_an_apostrophe_the_first_is_met_and_both_can_be_edited(
    workshop: Workshop, tmp_path: Path
) -> None:
    assert names(workshop)[1:3] == [("Sean", "O'Neil"), ("Sean", "O\u2019Neil")]
    assert [key for key in keys_of(workshop.target) if key[2] in (2, 3)] == [(NAME_ADDRESS_KIND, SEAN, 2)]
    again = "first_name,last_name,street_address,city,state,postcode,country\nSEAN,ONeil,2 High St,Sydney,NSW,2000,AU\n"
    import_id = imports.accept_upload(workshop, write(tmp_path, again)).record.import_id

    imports.run_import(workshop, import_id)

    with reading(workshop.target) as connection:
        (failed,) = failed_rows_of(connection, import_id)
    assert [error["code"] for error in failed.errors] == ["already_exists"]
    assert "customer 2" in failed.errors[0]["message"]
    for number in (2, 3):
        assert edit(workshop, number, {"customer_title": "Mr"}, "somebody")
    with pytest.raises(KeyTaken):
        edit(workshop, 3, {"last_name": "O`Neil"}, "somebody")
    assert edit(workshop, 3, {"first_name": "Shaun"}, "somebody")
    assert len([key for key in keys_of(workshop.target) if key[2] == 3]) == 1


def test_an_import_that_an_earlier_version_had_checked_meets_who_differs_by_an_apostrophe(
    workshop: Workshop, tmp_path: Path
) -> None:
    text = "first_name,last_name,street_address,city,state,postcode\nSean,O`Neil,2 High St,Sydney,NSW,2000\nA,B,,Perth,WA,\n"
    import_id = imports.accept_upload(workshop, write(tmp_path, text)).record.import_id
    imports.run_raw_csv(workshop, import_id)
    imports.run_validated_customers(workshop, import_id)
    with open_staging(workshop.staging_path(import_id), 512) as staging:
        staging.execute("delete from facts where name = 'name_address_form'")
        staging.execute("update customer_keys set value = 'as an earlier version made it' where \"row\" = 2")

    imports.run_deduplicated_customers(workshop, import_id)
    imports.run_loaded_customers(workshop, import_id)

    with reading(workshop.target) as connection:
        (failed,) = failed_rows_of(connection, import_id)
    assert (failed.row, [error["code"] for error in failed.errors]) == (2, ["already_exists"])


def test_its_imports_can_be_taken_back(workshop: Workshop) -> None:
    undone = undo(workshop, import_of(workshop, "first.csv").import_id, "somebody")

    assert undone.removed == 4
    assert names(workshop) == []
    with reading(workshop.target) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(identity_keys)) == 0


def test_a_postgresql_target_with_the_same_customers_is_upgraded(folder: Path, empty_postgresql_url: str) -> None:
    from alembic import command

    earlier, target = connect(f"sqlite:///{folder}/customers.db"), connect(empty_postgresql_url)
    version = current_version(earlier)
    assert version is not None
    with target.begin() as connection:
        command.upgrade(migration_config(connection), version)
    copy_tables(earlier, target)

    upgrade(target)

    upgrade(earlier)
    assert current_version(target) == HEAD
    assert keys_of(target) == keys_of(earlier)
    earlier.dispose()
    target.dispose()


def copy_tables(source: sa.Engine, target: sa.Engine) -> None:
    """Copy the rows of all tables, as the earlier version has them."""
    found = sa.MetaData()
    found.reflect(target)
    with source.connect() as read, target.begin() as write:
        for table in found.sorted_tables:
            if table.name != "alembic_version":
                rows = [dict(row) for row in read.execute(sa.select(table)).mappings()]
                if rows:
                    write.execute(sa.insert(table), rows)


def keys_of(engine: sa.Engine) -> list[tuple[str, str, int]]:
    """Return all identity keys."""
    order = (identity_keys.c.kind, identity_keys.c.value)
    with reading(engine) as connection:
        found = connection.execute(sa.select(*order, identity_keys.c.customer_id).order_by(identity_keys.c.customer_id))
        return sorted((kind, value, customer) for kind, value, customer in found)
