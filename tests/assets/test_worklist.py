"""What the UI shows of a pull's worklist."""

from pathlib import Path

from sqlalchemy.engine import Engine

from assets.worklist import worklist_of
from etl_customers.settings import Home, Settings
from etl_customers.workshop import Workshop
from tests.imported import record_of
from tests.pulled import Books, contact


def test_a_customer_that_vanished_is_named_by_its_id_without_a_link(sqlite_target: Engine, tmp_path: Path) -> None:
    books = Books(sqlite_target, tmp_path).connect()
    books.pull(contact("ada"), contact("bea"))
    import_id = books.accept(is_full=True, accepts_vanished=True)
    books.load(import_id, [contact("ada")])
    workshop = Workshop(Home(tmp_path / "home").make(), Settings(), sqlite_target)
    table = worklist_of(workshop, record_of(workshop, import_id))["worklist"].value
    assert table.splitlines()[2].startswith("| `bea` | yes | vanished | ")
    assert len(table.splitlines()) == 3
