"""What assets show of their tables."""

import dagster as dg

from assets.display.metadata import kept_edited_table


def test_columns_that_were_edited_here_and_changed_there_are_a_table_of_ids_and_columns() -> None:
    found = kept_edited_table([("7", "email"), ("7", "phone"), ("9", "email")])
    assert found["kept_edited"] == 2
    table = found["kept_edited_columns"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [record.data for record in table.records] == [
        {"provider_id": "7", "column": "email"},
        {"provider_id": "7", "column": "phone"},
        {"provider_id": "9", "column": "email"},
    ]
    assert kept_edited_table([]) == {"kept_edited": 0}
