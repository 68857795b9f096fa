"""A home that an earlier version of the program made goes on working, also an import that was under way in it."""

import csv
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from etl_customers.changes.editing import edit
from etl_customers.changes.undoing import undo
from etl_customers.database.connect import connect, current_version, reading, upgrade
from etl_customers.database.edits import KeyTaken
from etl_customers.database.ledger import ACCEPTED, FINISHED, ImportRecord, failed_rows_of
from etl_customers.database.migrations import HEAD
from etl_customers.database.migrations.run import migration_config
from etl_customers.database.tables import customers, identity_keys
from etl_customers.database.tables import imports as ledger
from etl_customers.imports import accepting, stages, whole
from etl_customers.imports.installation import Installation, open_installation
from etl_customers.load.passwords import verify_password
from etl_customers.settings.home import Home
from etl_customers.staging import open_staging
from etl_customers.texts.folding import name_address_keys
from schemas.columns import NAME_ADDRESS_KIND
from tests.earlier_home import FIRST, UNDER_WAY
from tests.environment import COUNTRY
from tests.imported import record_of

(SEAN,) = name_address_keys(
    [("sean", "oneil", None, None, "2 high st", None, "sydney", "new south wales", "2000", "au")]
)
HOMES = sorted((Path(__file__).parents[1] / "data").glob("home-of-*.tar.xz"))
BEFORE_FOLDING = [path for path in HOMES if path.name < "home-of-0004"]
"""Homes in which two customers differ by an apostrophe alone: from 0004 on they are one."""


@pytest.fixture(params=HOMES, ids=lambda path: path.name.partition(".")[0])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home's folder as it was left, not yet opened; its settings say the country."""
    monkeypatch.delenv(COUNTRY)
    path = tmp_path / "home"
    with tarfile.open(request.param) as archive:
        archive.extractall(path, filter="data")
    return path


@pytest.fixture
def loaded(folder: Path, request: pytest.FixtureRequest) -> int:
    """How many customers the version loaded of the first file."""
    return 4 if request.node.callspec.params["folder"] in BEFORE_FOLDING else 3


@pytest.fixture
def installation(folder: Path) -> Iterator[Installation]:
    """The home, opened by today's program."""
    opened = open_installation(Home(folder))
    yield opened
    opened.target.dispose()


def import_of(installation: Installation, file_name: str) -> ImportRecord:
    """Return the import of a file that the earlier version accepted."""
    with reading(installation.target) as connection:
        found = connection.scalars(sa.select(ledger.c.import_id).where(ledger.c.file_name == file_name)).one()
    return record_of(installation, found)


def names(installation: Installation) -> list[tuple[str, str]]:
    """Return first and last name of every customer, in the order of their ids."""
    with reading(installation.target) as connection:
        found = connection.execute(sa.select(customers.c.first_name, customers.c.last_name).order_by(customers.c.id))
        return [(first, last) for first, last in found]


def write(tmp_path: Path, text: str) -> Path:
    """Write a file to import."""
    path = tmp_path / "today.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_there_is_a_home_of_an_earlier_version() -> None:
    assert HOMES


def test_its_customers_and_imports_are_there_and_its_tables_are_todays(installation: Installation, loaded: int) -> None:
    first = import_of(installation, "first.csv")

    assert current_version(installation.target) == HEAD
    assert (first.status, first.rows_read, first.rows_loaded, first.rows_failed) == (FINISHED, 6, loaded, 6 - loaded)
    assert names(installation)[0] == ("Ann", "Ash")
    assert len(names(installation)) == loaded


def test_the_import_that_was_under_way_goes_on_where_it_stopped(installation: Installation) -> None:
    import_id = import_of(installation, "underway.csv").import_id
    assert record_of(installation, import_id).status == ACCEPTED

    stages.run_deduplicated_customers(installation, import_id)
    stages.run_loaded_customers(installation, import_id)
    written = stages.run_failed_rows(installation, import_id)

    record = record_of(installation, import_id)
    assert (record.status, record.rows_loaded, record.rows_failed, written) == (FINISHED, 1, 2, 2)
    with reading(installation.target) as connection:
        password = connection.scalars(
            sa.select(customers.c.password_hash).where(customers.c.last_name == "Early")
        ).one()
    assert verify_password(password, "secret three")


def test_the_same_file_again_goes_on_with_the_import_that_was_under_way(
    installation: Installation, tmp_path: Path
) -> None:
    accepted = accepting.accept_upload(installation, write(tmp_path, UNDER_WAY))
    assert accepted.record.import_id == import_of(installation, "underway.csv").import_id

    whole.run_import(installation, accepted.record.import_id)

    assert record_of(installation, accepted.record.import_id).rows_loaded == 1


def test_its_failed_rows_are_corrected_and_take_their_passwords_from_there(
    installation: Installation, tmp_path: Path
) -> None:
    with installation.failed_rows_path(import_of(installation, "first.csv").import_id).open(
        encoding="utf-8-sig"
    ) as text:
        header, *rows = csv.reader(text)
    (bob,) = [row for row in rows if "Bob" in row]
    bob[header.index("last_name")], bob[header.index("state")] = "Bay", "NSW"
    path = tmp_path / "corrected.csv"
    with path.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text).writerows([header, bob])

    import_id = accepting.accept_upload(installation, path).record.import_id
    whole.run_import(installation, import_id)

    assert record_of(installation, import_id).rows_loaded == 1
    with reading(installation.target) as connection:
        password = connection.scalars(sa.select(customers.c.password_hash).where(customers.c.last_name == "Bay")).one()
    assert verify_password(password, "secret two")


def test_nobody_who_is_there_is_loaded_again(installation: Installation, tmp_path: Path) -> None:
    import_id = accepting.accept_upload(installation, write(tmp_path, FIRST), again=True).record.import_id

    whole.run_import(installation, import_id)

    record = record_of(installation, import_id)
    assert (record.rows_read, record.rows_loaded) == (6, 0)


@pytest.mark.parametrize("folder", BEFORE_FOLDING, indirect=True)
def test_of_two_who_differ_by_an_apostrophe_the_first_is_met_and_both_can_be_edited(
    installation: Installation, tmp_path: Path
) -> None:
    assert names(installation)[1:3] == [("Sean", "O'Neil"), ("Sean", "O\u2019Neil")]
    assert [key for key in keys_of(installation.target) if key[2] in (2, 3)] == [(NAME_ADDRESS_KIND, SEAN, 2)]
    again = "first_name,last_name,street_address,city,state,postcode,country\nSEAN,ONeil,2 High St,Sydney,NSW,2000,AU\n"
    import_id = accepting.accept_upload(installation, write(tmp_path, again)).record.import_id

    whole.run_import(installation, import_id)

    with reading(installation.target) as connection:
        (failed,) = failed_rows_of(connection, import_id)
    assert [error["code"] for error in failed.errors] == ["already_exists"]
    assert "customer 2" in failed.errors[0]["message"]
    for number in (2, 3):
        assert edit(installation, number, {"customer_title": "Mr"}, "somebody")
    with pytest.raises(KeyTaken):
        edit(installation, 3, {"last_name": "O`Neil"}, "somebody")
    assert edit(installation, 3, {"first_name": "Shaun"}, "somebody")
    assert len([key for key in keys_of(installation.target) if key[2] == 3]) == 1


def test_an_import_that_an_earlier_version_had_checked_meets_who_differs_by_an_apostrophe(
    installation: Installation, tmp_path: Path
) -> None:
    text = "first_name,last_name,street_address,city,state,postcode\nSean,O`Neil,2 High St,Sydney,NSW,2000\nA,B,,Perth,WA,\n"
    import_id = accepting.accept_upload(installation, write(tmp_path, text)).record.import_id
    stages.run_raw_csv(installation, import_id)
    stages.run_validated_customers(installation, import_id)
    with open_staging(installation.staging_path(import_id), 512) as staging:
        staging.execute("delete from facts where name = 'name_address_form'")
        staging.execute("update customer_keys set value = 'as an earlier version made it' where \"row\" = 2")

    stages.run_deduplicated_customers(installation, import_id)
    stages.run_loaded_customers(installation, import_id)

    with reading(installation.target) as connection:
        (failed,) = failed_rows_of(connection, import_id)
    assert (failed.row, [error["code"] for error in failed.errors]) == (2, ["already_exists"])


def test_its_imports_can_be_taken_back(installation: Installation, loaded: int) -> None:
    undone = undo(installation, import_of(installation, "first.csv").import_id, "somebody")

    assert undone.removed == loaded
    assert names(installation) == []
    with reading(installation.target) as connection:
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
