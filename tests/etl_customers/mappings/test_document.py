"""Mappings as documents: what is shipped says what it always did, and every mistake is named with its line."""

import pytest

from etl_customers.columns.account_fields import NO_FIELDS, AccountFields, Field, PropertyType
from etl_customers.mappings.document import FIELDS, MappingInvalid, plan_of, read_mapping
from etl_customers.mappings.kept import shipped_mapping
from schemas.columns import FieldType

NOTES = AccountFields((Field("notes", "Notes", FieldType.TEXT, is_required=False, choices=()),), ())

KIND = Field("kind", "Kind", FieldType.ONE_OF, is_required=False, choices=("Shipping", "Postal"))
LINES = Field("lines", "Lines", FieldType.TEXT, is_required=False, choices=())
ADDRESSES = AccountFields((), (PropertyType("address", "Address", (KIND, LINES)),))
SHIPPING = 'source = "quickbooks"\n[columns]\nShipAddr = "%s"\n'


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
        ("source = quickbooks", "line 1: this is not valid TOML"),
        ('source = "quickbooks"\n', r"it lacks a table \[columns\]"),
        ('[columns]\nNotes = ""\n', "it lacks source"),
        ('source = "sage"\n[columns]\n', "line 1: source must be one of quickbooks, xero"),
        ('source = "xero"\n[columns]\n\nShoe = "email"\n', "line 4: the source has no such field; it has Name"),
        ('source = "xero"\n[columns]\nWebsite = 5\n', "line 3: a text in quotation marks"),
        (
            'source = "xero"\nname = "x"\n[columns]\n',
            r"line 2: only source, \[columns\] and \[constants\] are allowed there",
        ),
        (
            'source = "xero"\n[columns]\n"Addresses.STREET" = "email"\n',
            'line 3: this field becomes address, a custom field or a field of a property, or "" leaves it out',
        ),
        ('source = "xero"\n[columns]\nWebsite = "address"\n', "line 3: this field becomes customer_title, first_name"),
        ('source = "xero"\n[columns]\nWebsite = "phone"\n', "line 3: this field becomes customer_title, first_name"),
        (
            'source = "xero"\n[columns]\n"Phones.FAX" = "email"\n',
            "line 3: this field becomes mobile, phone, a custom field",
        ),
        ('source = "xero"\n[columns]\nWebsite = "a"\nWebsite = "b"\n', "this is not valid TOML"),
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


@pytest.mark.parametrize(
    ("header", "kind_header", "key"),
    [
        ("Address: Lines", "Address: Kind", "Address: Lines"),
        ("address:LINES*", "ADDRESS:kind", "Address: Lines"),
        ("Address 2: lines", "address_2: Kind", "Address 2: Lines"),
    ],
)
def test_a_field_becomes_one_of_a_property_by_the_header_that_a_file_would_have(
    header: str, kind_header: str, key: str
) -> None:
    text = SHIPPING % header + f'[constants]\n"{kind_header}" = " shipping "\n'
    lines, kind = plan_of(read_mapping(text), ADDRESSES).properties
    assert (lines.column.key, lines.names, lines.constant) == (key, ("ShipAddr",), "")
    assert (kind.column.key, kind.names, kind.constant) == (key.replace("Lines", "Kind"), (), "shipping")
    assert (lines.column.role, kind.column.role) == ("property", "constant")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            SHIPPING % "Site: Name",
            "line 3: there is no such property type; fields of properties are: Address: Kind, Address: L",
        ),
        (
            SHIPPING % "Site: Name",
            "etl-customers properties add Address, then etl-customers properties add address Lines",
        ),
        (SHIPPING % "Address 2: Name", "line 3: the property type Address has no such field; it has: Kind, Lines "),
        (SHIPPING % "Address 2: Name", "etl-customers properties add address LABEL makes another"),
        (SHIPPING % "Address", 'line 3: there is no such column; .*a field of a property is written "Type: Field"'),
        (SHIPPING % "Address 1000: Lines", "line 3: properties are numbered up to 999 here"),
        (
            SHIPPING % "address" + '[constants]\n"Address: Kind" = "Postal"\n',
            "line 5: no field of the source fills this",
        ),
        (
            SHIPPING % "Address: Lines" + '[constants]\n"Address: Kind" = "Home"\n',
            "line 5: .* of type one_of, one of: Ship",
        ),
        (
            SHIPPING % "Address: Lines" + '[constants]\n"Address: Kind" = " "\n',
            "line 5: this is not a valid value of Address: Kind",
        ),
        (
            SHIPPING % "Address: Lines" + '[constants]\n"address: lines" = "x"\n',
            "line 5: Address: Lines is already filled",
        ),
        (
            SHIPPING % "Address: Lines" + '[constants]\n"Address: Floor" = "x"\n',
            "line 5: the property type Address has no",
        ),
        (
            SHIPPING % "Address: Lines" + '[constants]\ncity = "Perth"\n',
            "line 5: a constant fills a field of a property",
        ),
    ],
)
def test_a_property_that_cannot_be_filled_is_named_with_the_line_and_what_there_is(text: str, said: str) -> None:
    with pytest.raises(MappingInvalid, match=said):
        plan_of(read_mapping(text), ADDRESSES)


def test_a_header_that_two_property_types_may_have_is_refused() -> None:
    numbered = PropertyType("address_field", "Address 2", (LINES,))
    both = AccountFields((), (*ADDRESSES.property_types, numbered))
    with pytest.raises(MappingInvalid, match="line 3: this could be a field of two property types"):
        plan_of(read_mapping(SHIPPING % "Address 2: Lines"), both)


def test_a_constant_that_is_no_text_is_refused() -> None:
    with pytest.raises(MappingInvalid, match="line 5: a text in quotation marks"):
        read_mapping(SHIPPING % "Address: Lines" + '[constants]\n"Address: Kind" = 5\n')
