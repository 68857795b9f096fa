from etl_customers.columns.account_fields import NO_FIELDS, AccountFields, Field, PropertyType
from etl_customers.columns.template import template_header, template_stamp
from schemas.columns import COLUMNS, FieldType

FIELDS = AccountFields(
    (Field("shoe_size", "Shoe size", FieldType.NUMBER, True, ()),),
    (PropertyType("pet", "Pet", (Field("name", "Name", FieldType.TEXT, False, ()),)),),
)


def test_required_columns_bear_a_star_and_the_account_s_own_follow_the_fixed_ones() -> None:
    header = template_header(FIELDS, ["first_name", "city"])
    assert header[:3] == ["customer_title", "first_name*", "last_name"]
    assert "city*" in header
    assert header[len(COLUMNS) :] == ["Shoe size*", "Pet: Name", template_stamp(FIELDS)]


def test_the_stamp_is_of_the_columns_alone() -> None:
    assert template_header(FIELDS, [])[-1] == template_header(FIELDS, ["email"])[-1]
    assert template_stamp(FIELDS) != template_stamp(NO_FIELDS)
    assert template_stamp(NO_FIELDS).startswith("template:")
    assert len(template_stamp(NO_FIELDS)) == len("template:") + 8
