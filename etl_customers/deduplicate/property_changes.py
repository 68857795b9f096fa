"""Sets the properties that a pull brings beside those that its customers have: what it adds, changes and takes away.

A property that pulls made is the provider's as a whole, and one of a file is never touched: where that has the
number of one that a pull brings, the pull's gets the next one that is free.
"""

import polars as pl

from etl_customers.database.json_texts import is_same

_CHANGED = {
    "row": pl.Int64,
    "customer_id": pl.Int64,
    "property_type": pl.String,
    "number": pl.Int32,
    "provided_number": pl.Int32,
    "old_values": pl.String,
    "new_values": pl.String,
}

_Key = tuple[int, str, int]
"""Customer, property type, and the number in the mapping."""


def find_property_changes(rows: pl.DataFrame, pulled: pl.DataFrame, here: pl.DataFrame) -> pl.DataFrame:
    """Return the properties that are to change, as ``changed_properties``; values are JSON, null for none.

    Args:
        rows: ``row`` and customer_id of all customers that are compared, also of those without a property.
        pulled: row, customer_id, property_type, number, field_values of the properties that the pull brings.
        here: All properties of these customers, as ``PROPERTIES``.
    """
    own: dict[_Key, tuple[int, str]] = {}
    taken: dict[tuple[int, str], set[int]] = {}
    for customer_id, kind, number, provided, values in here.iter_rows():
        taken.setdefault((customer_id, kind), set()).add(number)
        if provided is not None:
            own[customer_id, kind, provided] = number, values
    brought = {
        (customer_id, kind, number): values
        for customer_id, kind, number, values in pulled.select(list(pulled.columns[1:])).iter_rows()
    }
    row_of = dict(rows.select("customer_id", "row").iter_rows())
    changed = []
    for key in sorted(own.keys() | brought.keys()):
        customer_id, kind, provided = key
        number, before = own.get(key, (0, None))
        after = brought.get(key)
        if customer_id not in row_of or is_same(before, after):
            continue
        numbers = taken.setdefault((customer_id, kind), set())
        if before is None:
            number = provided
            while number in numbers:
                number += 1
            numbers.add(number)
        changed.append((row_of[customer_id], customer_id, kind, number, provided, before, after))
    return pl.DataFrame(changed, schema=_CHANGED, orient="row")
