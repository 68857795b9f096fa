from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from etl_customers.base.errors import FieldInvalid, NotFound
from etl_customers.columns.account_fields import Field, PropertyType, load_fields
from etl_customers.columns.field_changes import (
    add_custom_field,
    add_property_field,
    add_property_type,
    remove_custom_field,
    remove_property_field,
    remove_property_type,
)
from etl_customers.database.tables import custom_fields, property_types
from schemas.columns import FieldType

TEXT, NUMBER, ONE_OF, SEVERAL_OF = FieldType.TEXT, FieldType.NUMBER, FieldType.ONE_OF, FieldType.SEVERAL_OF


@pytest.fixture
def connection(sqlite_target: sa.Engine) -> Iterator[sa.Connection]:
    with sqlite_target.begin() as opened:
        yield opened


def test_fields_of_all_types_are_kept_in_the_order_in_which_they_were_added(target: sa.Engine) -> None:
    with target.begin() as connection:
        added = [
            add_custom_field(connection, f"A {kind}", kind, choices=["Red", "Dark blue"] if "of" in kind else ())
            for kind in FieldType
        ]
    with target.connect() as connection:
        assert load_fields(connection).custom_fields == tuple(added)
    assert added[4] == Field("a_one_of", "A one_of", ONE_OF, False, ("Red", "Dark blue"))


def test_property_types_have_fields_in_order(target: sa.Engine) -> None:
    with target.begin() as connection:
        add_property_type(connection, "Pet")
        add_property_type(connection, "Site", id="place")
        name = add_property_field(connection, "pet", "Name", TEXT, is_required=True)
        breed = add_property_field(connection, "pet", "Breed", ONE_OF, choices=["Beagle"])
        street = add_property_field(connection, "place", "Name", TEXT)
    with target.connect() as connection:
        assert load_fields(connection).property_types == (
            PropertyType("pet", "Pet", (name, breed)),
            PropertyType("place", "Site", (street,)),
        )


def test_a_removed_field_is_gone_from_the_template_and_remembered_with_its_time(target: sa.Engine) -> None:
    with target.begin() as connection:
        add_custom_field(connection, "Shoe size", NUMBER)
        add_property_type(connection, "Pet")
        add_property_type(connection, "Car")
        add_property_field(connection, "pet", "Name", TEXT)
        add_property_field(connection, "car", "Plate", TEXT)
        remove_custom_field(connection, "shoe_size")
        remove_property_field(connection, "pet", "name")
        remove_property_type(connection, "car")
        fields = load_fields(connection)
    assert (fields.custom_fields, fields.property_types) == ((), (PropertyType("pet", "Pet", ()),))
    assert sorted(gone.header for gone in fields.removed) == ["Car: Plate", "Pet: Name", "Shoe size"]
    assert all(gone.removed_at.tzinfo is not None for gone in fields.removed)


def test_a_field_added_again_with_the_same_type_is_the_old_one_and_goes_to_the_end(connection: sa.Connection) -> None:
    add_custom_field(connection, "Shoe size", NUMBER)
    add_custom_field(connection, "Hat size", NUMBER)
    remove_custom_field(connection, "shoe_size")
    assert add_custom_field(connection, "Shoe Size", NUMBER).id == "shoe_size"
    fields = load_fields(connection)
    assert [field.label for field in fields.custom_fields] == ["Hat size", "Shoe Size"]
    assert fields.removed == ()


def test_a_field_added_again_with_another_type_is_a_new_one(connection: sa.Connection) -> None:
    add_custom_field(connection, "Shoe size", NUMBER)
    remove_custom_field(connection, "shoe_size")
    assert add_custom_field(connection, "Shoe size", TEXT).id == "shoe_size_zb"
    assert load_fields(connection).removed == ()
    remove_custom_field(connection, "shoe_size_zb")
    with pytest.raises(FieldInvalid, match="another type"):
        add_custom_field(connection, "Shoe size", TEXT, id="shoe_size")


def test_a_property_type_added_again_has_the_fields_that_it_had(connection: sa.Connection) -> None:
    add_property_type(connection, "Pet")
    add_property_field(connection, "pet", "Name", TEXT)
    add_property_field(connection, "pet", "Breed", TEXT)
    remove_property_field(connection, "pet", "breed")
    remove_property_type(connection, "pet")
    assert [field.label for field in add_property_type(connection, "Pet").fields] == ["Name"]


@pytest.mark.parametrize(
    "label",
    ["First name", "SURNAME", "e-mail", "Import ID", "errors", "row", "Shoe-size", "shoe_size", "Zip"],
)
def test_a_label_that_would_be_read_as_another_column_is_refused(connection: sa.Connection, label: str) -> None:
    add_custom_field(connection, "Shoe size", NUMBER)
    with pytest.raises(FieldInvalid, match="would be read as"):
        add_custom_field(connection, label, TEXT)


def test_an_id_may_not_be_another_column_either(connection: sa.Connection) -> None:
    with pytest.raises(FieldInvalid, match="column email"):
        add_custom_field(connection, "Second mail", TEXT, id="email")


@pytest.mark.parametrize(
    "label",
    ["", "  ", "*", "=cmd", "+x", "@x", "-x", "'x", "＝x", "a:b", "a*b", "a\nb", "a\x1bb", "x" * 61, "--"],
)
def test_a_label_that_is_dangerous_or_ambiguous_is_refused(connection: sa.Connection, label: str) -> None:
    for add in (
        lambda: add_custom_field(connection, label, TEXT),
        lambda: add_property_type(connection, label),
    ):
        with pytest.raises(FieldInvalid):
            add()


def test_labels_and_choices_are_kept_without_what_nobody_sees(connection: sa.Connection) -> None:
    field = add_custom_field(connection, "\u202ea\u200bb\ufeff", FieldType.ONE_OF, choices=("Go\u00adld", "می\u200cخ"))
    assert (field.label, field.choices) == ("ab", ("Gold", "می\u200cخ"))
    with pytest.raises(FieldInvalid):
        add_custom_field(connection, "\u200b", TEXT)


@pytest.mark.parametrize("id", ["", "1a", "A", "a b", "a;drop", "x" * 57, "é"])
def test_an_id_is_plain(connection: sa.Connection, id: str) -> None:
    with pytest.raises(FieldInvalid):
        add_custom_field(connection, "Something", TEXT, id=id)


def test_labels_of_any_script_get_an_id(connection: sa.Connection) -> None:
    assert [add_custom_field(connection, label, TEXT).id for label in ("靴", "Größe", "2. Name!", "帽子")] == [
        "field",
        "groe",
        "name",
        "field_zb",
    ]


def test_no_id_ends_in_a_digit_whatever_the_labels_are(connection: sa.Connection) -> None:
    labels = ("Size", "Sizé", "SÍze", "Route 66", "Ŕoute 66", "靴", "靴 2", "帽 2", "x" * 57 + "12")
    ids = [add_custom_field(connection, label, TEXT).id for label in labels]
    assert ids[:5] == ["size", "size_zb", "size_zc", "route_66_field", "route_66_field_zb"]
    pets = [add_property_type(connection, label).id for label in ("Pet", "Pét", "Pet 2 靴")]
    assert pets == ["pet", "pet_zb", "pet_2_property"]
    parts = [add_property_field(connection, "pet", label, TEXT).id for label in ("Chip", "Chíp", "Chip 2")]
    assert parts == ["chip", "chip_zb", "chip_2_field"]
    assert not any(id[-1].isdigit() or len(id) > 64 for id in (*ids, *pets, *parts))


def test_a_removed_field_comes_back_by_its_label_and_not_for_one_that_is_only_called_nearly_so(
    connection: sa.Connection,
) -> None:
    for label in ("Size", "Sizé"):
        add_custom_field(connection, label, TEXT)
    for id in ("size", "size_zb"):
        remove_custom_field(connection, id)
    assert [add_custom_field(connection, label, TEXT).id for label in ("Sizè", "SIZÉ", "size")] == [
        "size_zc",
        "size_zb",
        "size",
    ]


def test_an_id_that_ends_in_a_digit_is_refused_with_what_it_would_mean(connection: sa.Connection) -> None:
    add_property_type(connection, "Pet")
    for add in (
        lambda: add_property_type(connection, "Dog", id="pet2"),
        lambda: add_custom_field(connection, "Dog", TEXT, id="pet_2"),
        lambda: add_property_field(connection, "pet", "Dog", TEXT, id="pet2"),
    ):
        with pytest.raises(FieldInvalid, match="ends in a digit, so a header with it could mean a further pet"):
            add()


def test_what_an_earlier_version_removed_under_an_id_with_a_digit_comes_back_with_its_id(
    connection: sa.Connection,
) -> None:
    for label in ("Size", "Sizé", "Route 66"):
        add_custom_field(connection, label, TEXT)
    for old, new in (("size_zb", "size_2"), ("route_66_field", "route_66")):
        connection.execute(sa.update(custom_fields).where(custom_fields.c.id == old).values(id=new))
    for id in ("size_2", "route_66"):
        remove_custom_field(connection, id)
    assert add_custom_field(connection, "Route 66", TEXT).id == "route_66"
    assert add_custom_field(connection, "Sizé", TEXT, id="size_2").id == "size_2"
    remove_custom_field(connection, "size_2")
    assert add_custom_field(connection, "Sizé", TEXT).id == "size_2"


def test_a_property_type_whose_numbered_header_another_one_has_as_its_label_is_refused(
    connection: sa.Connection,
) -> None:
    add_property_type(connection, "Highway", id="sixty_six")
    connection.execute(sa.update(property_types).values(label="Route 66"))
    with pytest.raises(FieldInvalid, match="both a further Route and the property type Route 66"):
        add_property_type(connection, "Route")


@pytest.mark.parametrize(
    ("kind", "choices"),
    [(ONE_OF, []), (TEXT, ["a"]), (ONE_OF, ["a", "A "]), (SEVERAL_OF, ["a;b"]), (ONE_OF, [""]), (ONE_OF, ["a\nb"])],
)
def test_choices_belong_to_lists_and_differ(connection: sa.Connection, kind: FieldType, choices: list[str]) -> None:
    with pytest.raises(FieldInvalid):
        add_custom_field(connection, "Colour", kind, choices=choices)


def test_a_property_type_may_not_end_in_a_number_nor_come_twice(connection: sa.Connection) -> None:
    add_property_type(connection, "Pet")
    for label in ("Pet 2", "PET", "Room4"):
        with pytest.raises(FieldInvalid):
            add_property_type(connection, label)
    add_property_field(connection, "pet", "Name", TEXT)
    with pytest.raises(FieldInvalid, match="Pet: Name"):
        add_property_field(connection, "pet", "NAME", TEXT)


def test_what_is_not_there_cannot_be_removed_or_added_to(connection: sa.Connection) -> None:
    add_custom_field(connection, "Shoe size", NUMBER)
    remove_custom_field(connection, "shoe_size")
    for act in (
        lambda: remove_custom_field(connection, "shoe_size"),
        lambda: remove_property_type(connection, "pet"),
        lambda: remove_property_field(connection, "pet", "name"),
        lambda: add_property_field(connection, "pet", "Name", TEXT),
    ):
        with pytest.raises(NotFound, match="see: etl-customers"):
            act()
