"""What the UI shows of a pull's worklist."""

from pathlib import Path

from sqlalchemy.engine import Engine

from assets.display.worklist import worklist_of
from etl_customers.imports.installation import Installation
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Settings
from tests.imported import record_of
from tests.pulled import Books, contact


def test_a_customer_that_vanished_is_named_by_its_id_without_a_link(sqlite_target: Engine, tmp_path: Path) -> None:
    books = Books(sqlite_target, tmp_path).connect()
    books.pull(contact("ada"), contact("bea"))
    import_id = books.accept(is_full=True, accepts_vanished=True)
    books.load(import_id, [contact("ada")])
    installation = Installation(Home(tmp_path / "home").make(), Settings(), sqlite_target)
    (line,) = worklist_of(installation, record_of(installation, import_id))["worklist"].value.splitlines()
    assert line.startswith("- `bea`: ")
    assert line.endswith("(`vanished`)")


def test_each_thing_to_do_is_a_line_with_a_link_and_nothing_of_a_customer(
    sqlite_target: Engine, tmp_path: Path
) -> None:
    books = Books(sqlite_target, tmp_path).connect()
    import_id = books.accept()
    books.load(import_id, [contact("ada", EmailAddress="canary doe@example.com"), contact("bea", FirstName=5)])
    installation = Installation(Home(tmp_path / "home").make(), Settings(), sqlite_target)
    listed = worklist_of(installation, record_of(installation, import_id))["worklist"].value
    first, second = listed.splitlines()
    assert first.startswith("- [`bea`](https://go.xero.com/Contacts/View/bea), not synced: ")
    assert second.startswith("- [`ada`](https://go.xero.com/Contacts/View/ada): a text for email could not be read")
    assert "canary" not in listed
