"""Mappings as documents: what is shipped says what it always did, and every mistake is named with its line."""

import pytest

from etl_customers.columns.account_fields import NO_FIELDS, AccountFields, Field
from etl_customers.mappings.document import FIELDS, MappingInvalid, plan_of, read_mapping
from etl_customers.mappings.kept import shipped_mapping
from schemas.columns import FieldType

NOTES = AccountFields((Field("notes", "Notes", FieldType.TEXT, is_required=False, choices=()),), ())


@pytest.mark.parametrize("source", FIELDS)
def test_the_shipped_mapping_names_every_field_that_can_be_read(source: str) -> None:
    mapping = shipped_mapping(source)
    kept_apart = {"DisplayName", "FullyQualifiedName", "MergedToContactID", "ContactStatus", "UpdatedDateUTC"}
    assert set(FIELDS[source]) - set(mapping.columns) <= kept_apart
    assert plan_of(mapping, NO_FIELDS).custom == {}


def test_a_field_becomes_a_custom_field_by_its_label_or_id() -> None:
    for header in ("Notes", "notes", " NOTES* "):
        mapping = read_mapping(f'source = "quickbooks"\n[columns]\nNotes = "{header}"\nGivenName = "first_name"\n')
        plan = plan_of(mapping, NOTES)
        assert (dict(plan.custom), plan.of("first_name")) == ({"notes": ("Notes",)}, ("GivenName",))
        assert mapping.read == ("Notes", "GivenName")


def test_what_is_left_out_is_not_read() -> None:
    mapping = read_mapping('source = "xero"\n[columns]\nWebsite = ""\n"Phones.MOBILE" = "mobile"\n')
    assert mapping.read == ("Phones",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source = quickbooks", "line 1: this is no TOML"),
        ('source = "quickbooks"\n', r"it lacks a table \[columns\]"),
        ('[columns]\nNotes = ""\n', "it lacks source"),
        ('source = "sage"\n[columns]\n', "line 1: source is none of quickbooks, xero"),
        ('source = "xero"\n[columns]\n\nShoe = "email"\n', "line 4: the source has no such field; known are Name"),
        ('source = "xero"\n[columns]\nWebsite = 5\n', "line 3: a text in quotation marks"),
        ('source = "xero"\nname = "x"\n[columns]\n', r"line 2: only source and \[columns\] may stand there"),
        (
            'source = "xero"\n[columns]\n"Addresses.STREET" = "email"\n',
            'line 3: this field becomes address or a custom field, or "" leaves it out',
        ),
        ('source = "xero"\n[columns]\nWebsite = "address"\n', "line 3: this field becomes customer_title, first_name"),
        ('source = "xero"\n[columns]\nWebsite = "phone"\n', "line 3: this field becomes customer_title, first_name"),
        (
            'source = "xero"\n[columns]\n"Phones.FAX" = "email"\n',
            "line 3: this field becomes mobile, phone or a custom",
        ),
        ('source = "xero"\n[columns]\nWebsite = "a"\nWebsite = "b"\n', "this is no TOML"),
        ("x" * 100_001, "more than 100,000 characters"),
    ],
)
def test_a_document_that_cannot_be_used_is_refused_with_what_and_where(text: str, said: str) -> None:
    with pytest.raises(MappingInvalid, match=said):
        read_mapping(text)


def test_a_column_that_the_account_has_not_is_named_with_those_that_it_has() -> None:
    mapping = read_mapping('source = "quickbooks"\n[columns]\nTitle = "customer_title"\nNotes = "Remarks"\n')
    with pytest.raises(MappingInvalid, match=r"line 4: there is no such column; .*of custom fields: Notes "):
        plan_of(mapping, NOTES)
