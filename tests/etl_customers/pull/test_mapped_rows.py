"""What became of each fetched record: a row of ``raw_csv``, or an error that says why not."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from etl_customers.base.chains import ends_of_chains
from etl_customers.columns.account_fields import AccountFields
from etl_customers.pull import mapped_rows
from etl_customers.pull.mapped_rows import MapCounts, map_records
from etl_customers.settings.sections import Settings
from etl_customers.staging import Staging, open_staging
from etl_customers.validate.validate import ValidateCounts, validate_customers
from schemas.columns import CUSTOMER_COLUMNS
from schemas.sources import QUICKBOOKS, XERO
from tests.etl_customers.pull.fetched import fetched

NO_FIELDS = AccountFields(custom_fields=(), property_types=())
AUSTRALIAN = Settings(company={"country": "AU", "city": "Ballarat"})


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    with open_staging(tmp_path / "pull.duckdb", 256) as staging:
        yield staging


def errors(staging: Staging) -> list[tuple[Any, ...]]:
    return staging.rows('select "row", "column", code, reference from row_errors where stage = \'read\' order by all')


def cell(staging: Staging, row: int, column: str) -> Any:
    position = CUSTOMER_COLUMNS.index(column)
    return staging.rows(f'select c{position} from raw_csv where "row" = ?', [row])[0][0]


def test_rows_stand_in_the_order_of_the_ids_and_begin_at_two(staging: Staging) -> None:
    fetched(staging, ("b", {"DisplayName": "B"}), ("a", {"DisplayName": "A"}))
    assert map_records(staging, QUICKBOOKS, AUSTRALIAN) == MapCounts(fetched=2, left_out=0)
    assert [cell(staging, row, "business_name") for row in (2, 3)] == ["A", "B"]
    assert staging.rows('select "row", line, parent_row, password_state from raw_csv order by "row"') == [
        (2, 2, None, None),
        (3, 3, None, None),
    ]


def test_a_row_keeps_what_the_provider_says_of_it(staging: Staging) -> None:
    changed = datetime(2026, 11, 22, 8, 14, 43)
    record = {"DisplayName": "Site", "ParentRef": {"value": "4"}, "Active": False}
    map_records(fetched(staging, ("58", record), updated_at=changed), QUICKBOOKS, AUSTRALIAN)
    assert staging.rows("select * from pulled_rows") == [(2, "58", changed, False, "4", None)]
    assert staging.rows("select * from pulled_names") == [(2, "Site", None)]


def test_the_columns_are_those_of_every_customer(staging: Staging) -> None:
    map_records(fetched(staging, ("1", {"DisplayName": "A"})), QUICKBOOKS, AUSTRALIAN)
    columns = staging.upload_columns()
    assert [(column.role, column.key) for column in columns] == [("column", name) for name in CUSTOMER_COLUMNS]


def test_mapping_again_gives_the_same_and_keeps_what_the_fetch_noted(staging: Staging) -> None:
    staging.execute("insert into facts values ('pull_fetched', 2, null)")
    fetched(staging, ("1", {"Name": "A"}), ("2", {"Name": "B", "MergedToContactID": "1"}))
    first = map_records(staging, XERO, AUSTRALIAN)
    tables = ("raw_csv", "upload_columns", "facts", "pulled_rows", "pulled_warnings", "row_errors")
    before = [staging.rows(f"select * from {table} order by all") for table in tables]
    assert map_records(staging, XERO, AUSTRALIAN) == first
    assert [staging.rows(f"select * from {table} order by all") for table in tables] == before
    assert staging.rows("select name, number from facts order by name") == [
        ("pull_fetched", 2),
        ("pull_kinds", None),
        ("rows_read", 2),
        ("rows_unread", 0),
    ]


def test_who_was_merged_or_is_to_be_erased_is_of_no_kind(staging: Staging) -> None:
    gone: list[dict[str, Any]] = [{"MergedToContactID": "1"}, {"ContactStatus": "GDPRREQUEST"}]
    records = [{"IsCustomer": True, "IsSupplier": False}, {}, *gone]
    fetched(staging, *((str(number), {"Name": "A", **record}) for number, record in enumerate(records, 1)))
    map_records(staging, XERO, AUSTRALIAN)
    ((text,),) = staging.rows("select text from facts where name = 'pull_kinds'")
    counted = {name: number for name, number, _ in json.loads(text)}
    assert (counted["customers"], counted["not_said"], sum(counted.values())) == (1, 1, 2)


def test_nothing_fetched_is_no_row(staging: Staging) -> None:
    assert map_records(staging, XERO, AUSTRALIAN) == MapCounts(fetched=0, left_out=0)
    assert validate_customers(staging, NO_FIELDS, AUSTRALIAN, XERO) == ValidateCounts(validated=0, failed=0)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"GivenName": 5}, "GivenName"),
        ({"GivenName": False}, "GivenName"),
        ({"GivenName": []}, "GivenName"),
        ({"Active": "true"}, "Active"),
        ({"BillAddr": "1 Main"}, "BillAddr"),
        ({"BillAddr": {"PostalCode": 94326}}, "BillAddr.PostalCode"),
        ({"MetaData": []}, "MetaData"),
        ({"ParentRef": {"value": "4; drop table"}}, "ParentRef.value"),
        ("a text", "Id"),
    ],
)
def test_a_field_of_another_json_type_makes_the_record_invalid(staging: Staging, record: Any, field: str) -> None:
    fetched(staging, ("1", record))
    assert map_records(staging, QUICKBOOKS, AUSTRALIAN) == MapCounts(fetched=1, left_out=0, invalid=1)
    assert errors(staging) == [(2, field, "invalid_record", None)]


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"Phones": {}}, "Phones"),
        ({"Phones": ["5550 0001"]}, "Phones"),
        ({"Phones": [{"PhoneNumber": 55500001}]}, "Phones.PhoneNumber"),
        ({"ContactPersons": [None, {"EmailAddress": {}}]}, "ContactPersons.EmailAddress"),
        ({"MergedToContactID": "no id"}, "MergedToContactID"),
        ({"IsSupplier": "yes", "IsCustomer": False}, "IsSupplier"),
    ],
)
def test_the_same_holds_within_lists(staging: Staging, record: Any, field: str) -> None:
    map_records(fetched(staging, ("1", record)), XERO, AUSTRALIAN)
    assert errors(staging) == [(2, field, "invalid_record", None)]


def test_all_invalid_fields_of_a_record_are_named(staging: Staging) -> None:
    map_records(fetched(staging, ("1", {"GivenName": 5, "Active": 1})), QUICKBOOKS, AUSTRALIAN)
    assert [error[1] for error in errors(staging)] == ["Active", "GivenName"]


def test_new_fields_and_new_words_are_no_harm(staging: Staging) -> None:
    record = {"Name": "A", "ContactStatus": "PAUSED", "Loyalty": {"Tier": 1}, "Phones": [{"Verified": True}]}
    assert map_records(fetched(staging, ("1", record)), XERO, AUSTRALIAN) == MapCounts(fetched=1, left_out=0)


def test_a_record_without_a_usable_id_is_invalid_and_stands_first(staging: Staging) -> None:
    fetched(staging, ("1", {"Name": "A"}), (None, {"Name": "B"}), ("", {"Name": "C"}))
    assert map_records(staging, XERO, AUSTRALIAN) == MapCounts(fetched=3, left_out=0, invalid=2)
    assert errors(staging) == [(row, "ContactID", "invalid_record", None) for row in (2, 3)]
    assert staging.rows('select provider_id from pulled_rows order by "row"') == [(None,), (None,), ("1",)]


def test_who_is_left_out_need_not_have_the_right_form(staging: Staging) -> None:
    erased = {"ContactStatus": "GDPRREQUEST", "Phones": "?"}
    supplier = {"IsSupplier": True, "IsCustomer": False, "EmailAddress": 5}
    counts = map_records(fetched(staging, ("1", erased), ("2", supplier)), XERO, AUSTRALIAN)
    assert counts == MapCounts(fetched=2, left_out=2)
    assert errors(staging) == [(2, "ContactStatus", "erased", None), (3, "IsSupplier", "supplier_only", None)]


def test_nothing_of_a_record_that_goes_no_further_is_in_its_row(staging: Staging) -> None:
    fetched(staging, ("1", {"Name": "A", "ContactStatus": "GDPRREQUEST"}), ("2", {"Name": "B", "Phones": 1}))
    map_records(staging, XERO, AUSTRALIAN)
    assert [cell(staging, row, "business_name") for row in (2, 3)] == [None, None]


def test_a_merged_contact_refers_to_the_one_that_is_left_in_the_end(staging: Staging) -> None:
    fetched(
        staging,
        ("a", {"Name": "A", "MergedToContactID": "b"}),
        ("b", {"Name": "B", "MergedToContactID": "c"}),
        ("c", {"Name": "C"}),
        ("d", {"Name": "D", "MergedToContactID": "elsewhere"}),
    )
    assert map_records(staging, XERO, AUSTRALIAN) == MapCounts(fetched=4, left_out=3)
    winners = {2: "c", 3: "c", 5: "elsewhere"}
    assert errors(staging) == [(row, "MergedToContactID", "merged", winner) for row, winner in winners.items()]
    assert staging.rows(
        'select "row", merged_into from pulled_rows where merged_into is not null order by all'
    ) == list(winners.items())


def test_contacts_merged_in_a_circle_refer_to_the_next_one(staging: Staging) -> None:
    fetched(staging, *((id_, {"MergedToContactID": into}) for id_, into in (("a", "b"), ("b", "a"), ("c", "a"))))
    map_records(staging, XERO, AUSTRALIAN)
    assert [error[3] for error in errors(staging)] == ["b", "a", "a"]


def test_a_long_chain_of_merges_is_followed_once() -> None:
    last = 50_000
    winners = ends_of_chains({str(number): str(number + 1) for number in range(last)})
    assert set(winners.values()) == {str(last)}


def test_a_provider_that_is_none_is_a_mistake_of_the_caller(staging: Staging) -> None:
    with pytest.raises(ValueError, match="csv is no provider"):
        map_records(staging, "csv", AUSTRALIAN)


def test_rows_that_are_listed_already_are_not_validated(staging: Staging) -> None:
    fetched(staging, ("1", {"Name": "A"}), ("2", {"Name": "B", "Phones": 1}), ("3", {"Name": ""}))
    map_records(staging, XERO, AUSTRALIAN)
    assert validate_customers(staging, NO_FIELDS, AUSTRALIAN, XERO) == ValidateCounts(validated=1, failed=1)
    assert staging.rows('select "row", stage, code from row_errors order by all') == [
        (3, "read", "invalid_record"),
        (4, "validate", "name_missing"),
    ]


def test_a_chunk_of_nothing_but_listed_rows_is_passed_over(staging: Staging) -> None:
    fetched(staging, ("1", {"Phones": 1}), ("2", {"Phones": 1}), ("3", {"Name": "A"}))
    settings = AUSTRALIAN.model_copy(update={"staging": AUSTRALIAN.staging.model_copy(update={"chunk_rows": 2})})
    map_records(staging, XERO, settings)
    assert validate_customers(staging, NO_FIELDS, settings, XERO) == ValidateCounts(validated=1, failed=0)


def test_what_the_mapping_left_out_is_a_warning_of_the_customer(staging: Staging) -> None:
    addresses = "a@x.org, not an@x.org, b@x.org"
    map_records(fetched(staging, ("1", {"Name": "A", "EmailAddress": addresses})), XERO, AUSTRALIAN)
    validate_customers(staging, NO_FIELDS, AUSTRALIAN, XERO)
    left_out = staging.rows('select "row", "column" from row_warnings where code = \'left_out\'')
    assert left_out == [(2, "email3")]
    [(warnings,)] = staging.rows("select warnings from validated_customers")
    assert json.loads(warnings).count({"column": "email3", "code": "left_out"}) == 1


def test_what_is_left_out_leaves_no_gap_between_the_others(staging: Staging) -> None:
    phones = [
        {"PhoneType": kind, "PhoneNumber": text} for kind, text in (("DEFAULT", "ask Bob"), ("DDI", "0255500001"))
    ]
    record = {"Name": "A", "EmailAddress": "a@b.invalid; a@x.org; аpple@x.org", "Phones": phones}
    other = {"Name": "B", "EmailAddress": "b@x.org", "ContactPersons": [{"EmailAddress": "c@x.org"}]}
    map_records(fetched(staging, ("1", record), ("2", other)), XERO, AUSTRALIAN)
    validate_customers(staging, NO_FIELDS, AUSTRALIAN, XERO)
    assert staging.rows('select email, email2, email3, phone, phone2 from validated_customers order by "row"') == [
        ("a@x.org", "аpple@x.org", None, "+61255500001", None),
        ("b@x.org", "c@x.org", None, None, None),
    ]
    told = staging.rows('select "column", code from row_warnings where "row" = 2 order by 1')
    assert {("email", "left_out"), ("email2", "mixed_scripts"), ("phone", "left_out")} <= set(told)
    assert ("email3", "mixed_scripts") not in told


@pytest.mark.parametrize("block", [1, 2, 3])
def test_the_size_of_a_block_changes_nothing(staging: Staging, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    records = [(str(n), {"Name": f"N{n}", "MergedToContactID": "9" if n % 3 == 0 else None}) for n in range(7)]
    monkeypatch.setattr(mapped_rows, "_BLOCK_RECORDS", block)
    assert map_records(fetched(staging, *records), XERO, AUSTRALIAN) == MapCounts(fetched=7, left_out=3)
    assert staging.number('select count(distinct "row") from pulled_rows join raw_csv using ("row")') == 7
