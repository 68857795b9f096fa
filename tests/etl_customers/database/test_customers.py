"""Customers: found by what a person remembers, changed under the rules, traced to their file."""

import json
import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from etl_customers.base.errors import NotFound, UsageError
from etl_customers.database.connect import reading, writing
from etl_customers.database.customers import search_customers, show_customer, trace_customer
from etl_customers.database.edits import CheckedCustomer, EditRefused, IdentityKey, KeyTaken, edit_customer
from etl_customers.database.tables import (
    custom_fields,
    customer_changes,
    customers,
    identity_keys,
    imports,
    properties,
    property_types,
)

NOW = datetime(2026, 1, 22, 8, 14, 43, tzinfo=UTC)
PEOPLE: list[dict[str, Any]] = [
    {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": "ada@example.com",
        "mobile": "+61412345678",
        "city": "Sydney",
    },
    {
        "first_name": "Éva",
        "last_name": "Kovács",
        "phone2": "+3612345678",
        "street_address": "12 Fő utca",
        "city": "Budapest",
    },
    {"business_name": "100% Wool_Shop", "email3": "wool@example.com", "postcode": "2000", "country": "AU"},
]


@pytest.fixture
def filled(target: Engine) -> Engine:
    """A target with three customers of two imports, the second correcting the first."""
    with writing(target) as connection:
        for import_id, source, parent in (("csv-1", "csv", None), ("xero-2", "xero", "csv-1")):
            connection.execute(
                imports.insert().values(
                    import_id=import_id,
                    source=source,
                    status="finished",
                    file_name="customers.csv",
                    sha256="ab" * 32,
                    content_key=import_id,
                    parent_import_id=parent,
                    accepted_at=NOW,
                    run_id="run-1",
                )
            )
        connection.execute(custom_fields.insert(), [_field("shoe_size", 1), _field("note", 2)])
        connection.execute(property_types.insert().values(id="pet", label="Pet", position=1, created_at=NOW))
        for number, values in enumerate(PEOPLE, start=1):
            _insert(connection, number, "xero-2" if number == 3 else "csv-1", values)
        connection.execute(
            properties.insert().values(customer_id=1, property_type_id="pet", number=1, field_values={"name": "Rex"})
        )
        connection.execute(
            sa.text('update customers set custom_fields = \'{"shoe_size": 38.50, "gone": [1]}\' where id = 1')
        )
    return target


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("ada", [1]),
        ("ADA lovelace", [1]),
        ("Lovelace Sydney", [1]),
        ("Lovelace Budapest", []),
        ("éva", [2]),
        ("KOVÁCS", [2]),
        ("FŐ UTCA", [2]),
        ("wool", [3]),
        ("100%", [3]),
        ("10%", []),
        ("Wool_Shop", [3]),
        ("Wool-Shop", []),
        ("EXAMPLE.com", [1, 3]),
        ("0412 345 678", [1]),
        ("+61 (412) 345-678", [1]),
        ("0061412345678", [1]),
        ("345678", [1, 2]),
        ("2000", [3]),
        ("12 fő", [2]),
        ("\\", []),
        ("'; drop table customers", []),
        ("\0 \udc80ada", []),
        (" ", [1, 2, 3]),
        (None, [1, 2, 3]),
    ],
)
def test_customers_are_found_by_what_one_remembers(filled: Engine, text: str | None, ids: list[int]) -> None:
    with reading(filled) as connection:
        assert [customer.id for customer in search_customers(connection, text)] == ids


NAMES = [
    "Nguyễn",
    "O\u2019Neil",
    "ŁUKASZ",
    "Smith-Jones",
    "Straße",
    "Ægir Þór",
    "Γεώργιος",
    "Фёдор",
    "Zoe\u0308",
    "50% _off",
]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("nguyen", ["Nguyễn"]), ("NGUYỄN", ["Nguyễn"]), ("guy", ["Nguyễn"]), ("O'Neil", ["O\u2019Neil"]), ("oneil", ["O\u2019Neil"]),
        ("o`neil", ["O\u2019Neil"]), ("O\u00b4Neil", ["O\u2019Neil"]), ("neil", ["O\u2019Neil"]), ("lukasz", ["ŁUKASZ"]), ("Łukasz", ["ŁUKASZ"]),
        ("smith jones", ["Smith-Jones"]), ("smithjones", ["Smith-Jones"]), ("Smith\u2013Jones", ["Smith-Jones"]), ("strasse", ["Straße"]),
        ("STRAẞE", ["Straße"]), ("trass", ["Straße"]), ("tras", ["Straße"]), ("aegir thor", ["Ægir Þór"]), ("egir", ["Ægir Þór"]),
        ("γεωργιοσ", ["Γεώργιος"]), ("ΓΕΏΡΓΙΟΣ", ["Γεώργιος"]), ("федор", ["Фёдор"]), ("zoë", ["Zoe\u0308"]), ("zoe", ["Zoe\u0308"]),
        ("50%", ["50% _off"]), ("_off", ["50% _off"]), ("5%f", []), ("n.uyen", []), ("[n]guyen", []), ("nguyen|zoe", []), ("(", []),
        ("'", []), ("s" * 10_000, []), ("ngu yen", ["Nguyễn"]), ("zoenguyen", []),
    ],
)  # fmt: skip
def test_accents_case_apostrophes_and_hyphens_do_not_count_in_a_search(
    filled: Engine, text: str, names: list[str]
) -> None:
    with writing(filled) as connection:
        for number, name in enumerate(NAMES, start=10):
            _insert(connection, number, "csv-1", {"last_name": name})
    with reading(filled) as connection:
        assert [customer.values["last_name"] for customer in search_customers(connection, text)] == names


def test_a_search_is_narrowed_by_source_and_import_and_comes_in_pages(filled: Engine) -> None:
    def ids(**conditions: Any) -> list[int]:
        with reading(filled) as connection:
            return [customer.id for customer in search_customers(connection, **conditions)]

    assert ids(source="xero") == [3]
    assert ids(source="csv", text="ada") == [1]
    assert ids(import_id="csv-1") == [1, 2]
    assert ids(limit=1, offset=1) == [2]


def test_a_customer_is_shown_with_all_that_belongs_to_it(filled: Engine) -> None:
    with reading(filled) as connection:
        details = show_customer(connection, 1)

    assert details.customer.values["email"] == "ada@example.com"
    assert details.customer.custom_fields == {"shoe_size": 38.5, "gone": [1]}
    assert details.customer.has_password
    assert details.customer.created_at == NOW
    assert details.customer.warnings == [{"column": "city", "code": "city_defaulted"}]
    assert [(part.type, part.number, part.values) for part in details.properties] == [("pet", 1, {"name": "Rex"})]
    assert details.record.import_id == "csv-1"
    assert "$argon2" not in repr(details)


@pytest.mark.parametrize("customer_id", [0, -1, 99, 2**63, 2**70])
def test_an_unknown_customer_is_said_to_be_none(filled: Engine, customer_id: int) -> None:
    with reading(filled) as connection, pytest.raises(NotFound, match=f"no customer {customer_id}"):
        show_customer(connection, customer_id)
    with reading(filled) as connection, pytest.raises(NotFound):
        trace_customer(connection, customer_id)


def test_an_edit_changes_the_customer_its_keys_and_is_recorded(filled: Engine) -> None:
    made = _edit(filled, 1, email="ada@example.org", city="Perth", date_joined="2020/02/29", customer_type="")

    assert {change.column for change in made} == {"email", "city", "date_joined"}
    with reading(filled) as connection:
        details = show_customer(connection, 1)
        trace = trace_customer(connection, 1)
        keys = connection.execute(sa.select(identity_keys.c.value).where(identity_keys.c.customer_id == 1)).scalars()
        assert set(keys) == {"ada@example.org", "+61412345678"}
    assert details.customer.values["email"] == "ada@example.org"
    assert details.customer.values["date_joined"] == date(2020, 2, 29)
    assert details.customer.values["first_name"] == "Ada"
    assert details.customer.warnings == []
    assert details.customer.updated_at > details.customer.created_at == NOW
    assert [(change.column, change.old_value, change.new_value, change.changed_by) for change in trace.changes] == [
        ("email", "ada@example.com", "ada@example.org", "eve"),
        ("city", "Sydney", "Perth", "eve"),
        ("date_joined", None, "2020-02-29", "eve"),
    ]


def test_an_edit_that_changes_nothing_is_not_recorded(filled: Engine) -> None:
    assert _edit(filled, 1, city="Sydney") == []

    with reading(filled) as connection:
        assert show_customer(connection, 1).customer.updated_at == NOW
        assert trace_customer(connection, 1).changes == []


def test_an_edit_that_breaks_a_rule_changes_nothing(filled: Engine) -> None:
    with pytest.raises(EditRefused, match="customer 1 was not changed: city is empty; fill it in"):
        _edit(filled, 1, city="", email="other@example.com")

    with reading(filled) as connection:
        assert show_customer(connection, 1).customer.values["email"] == "ada@example.com"


def test_an_edit_cannot_take_the_key_of_another_customer(filled: Engine) -> None:
    with pytest.raises(KeyTaken, match="email already belongs to customer 1") as caught:
        _edit(filled, 2, email="ada@example.com")

    assert "ada@" not in str(caught.value)
    with reading(filled) as connection:
        assert show_customer(connection, 2).customer.values["email"] is None
        assert trace_customer(connection, 2).changes == []


def test_of_two_edits_that_take_the_same_key_at_once_one_wins(filled: Engine) -> None:
    refused: list[KeyTaken] = []

    def edit(customer_id: int) -> None:
        try:
            _edit(filled, customer_id, email2="shared@example.com")
        except KeyTaken as error:
            refused.append(error)

    threads = [threading.Thread(target=edit, args=(customer_id,)) for customer_id in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with reading(filled) as connection:
        query = sa.select(identity_keys.c.customer_id).where(identity_keys.c.value == "shared@example.com")
        owner = connection.scalars(query).one()
    assert [(error.customer_id, error.owner_id) for error in refused] == [({1: 2, 2: 1}[owner], owner)]


def test_an_unknown_column_is_named_with_those_that_can_be_changed(filled: Engine) -> None:
    with pytest.raises(UsageError, match=r"id, frist_name cannot be changed; you can change: .*first_name.*note"):
        _edit(filled, 1, id="7", frist_name="Ada")


def test_an_edit_of_a_custom_field_leaves_the_others_as_they_were_written(filled: Engine) -> None:
    _edit(filled, 1, note='"Mind the dog", she said')

    with reading(filled) as connection:
        stored = connection.scalar(sa.select(sa.cast(customers.c.custom_fields, sa.Text)).where(customers.c.id == 1))
    assert stored == '{"shoe_size": 38.50, "gone": [1], "note": "\\"Mind the dog\\", she said"}'

    _edit(filled, 1, note="", shoe_size="")

    with reading(filled) as connection:
        assert show_customer(connection, 1).customer.custom_fields == {"gone": [1]}
        assert [change.column for change in trace_customer(connection, 1).changes] == ["note", "shoe_size", "note"]


def test_an_edited_password_is_recorded_without_its_values(filled: Engine) -> None:
    _edit(filled, 1, password="correct horse")

    with reading(filled) as connection:
        assert connection.scalar(sa.select(customers.c.password_hash).where(customers.c.id == 1)) == "hash of 13"
        row = connection.execute(sa.select(customer_changes)).mappings().one()
    assert (row["column"], row["old_value"], row["new_value"]) == ("password", None, None)


def test_a_trace_names_the_file_the_row_the_run_and_the_corrected_import(filled: Engine) -> None:
    with reading(filled) as connection:
        first, third = trace_customer(connection, 1), trace_customer(connection, 3)

    assert (first.record.file_name, first.record.sha256, first.record.run_id) == ("customers.csv", "ab" * 32, "run-1")
    assert (first.import_row, first.parent) == (2, None)
    assert third.parent is not None
    assert (third.import_row, third.record.import_id, third.parent.import_id) == (4, "xero-2", "csv-1")


def _edit(engine: Engine, customer_id: int, **changes: str) -> Any:
    with writing(engine) as connection:
        return edit_customer(connection, customer_id, changes, "eve", _check)


def _check(row: Mapping[str, str]) -> CheckedCustomer:
    """The rules of an import, as far as these tests need them."""
    if not row["city"]:
        message = "city is empty; fill it in"
        return CheckedCustomer(errors=[{"column": "city", "code": "required", "message": message, "suggestion": None}])
    values: dict[str, object] = {name: text or None for name, text in row.items()}
    if row["date_joined"]:
        values["date_joined"] = datetime.strptime(row["date_joined"], "%Y/%m/%d").replace(tzinfo=UTC).date()
    fields = {name: row[name] for name in ("note", "shoe_size") if row.get(name)}
    return CheckedCustomer(
        values=values,
        custom_fields=json.dumps(fields) if fields else None,
        keys=[
            IdentityKey("email" if "email" in name else "phone", row[name], name)
            for name in ("email", "email2", "mobile", "phone2")
            if row[name]
        ],
        password_hash=f"hash of {len(row['password'])}" if row.get("password") else None,
    )


def _insert(connection: sa.Connection, number: int, import_id: str, values: dict[str, Any]) -> None:
    connection.execute(
        customers.insert().values(
            **{"city": "Adelaide", **values},
            is_active=True,
            import_id=import_id,
            import_row=number + 1,
            created_at=NOW,
            updated_at=NOW,
            password_hash="$argon2id$v=19$canary",
            warnings=[{"column": "city", "code": "city_defaulted"}],
        )
    )
    for name in ("email", "email3", "mobile", "phone2"):
        if name in values:
            kind = "email" if "email" in name else "phone"
            connection.execute(identity_keys.insert().values(kind=kind, value=values[name], customer_id=number))


def _field(id_: str, position: int) -> dict[str, Any]:
    return {
        "id": id_,
        "label": id_.title(),
        "type": "text",
        "is_required": False,
        "position": position,
        "created_at": NOW,
    }
