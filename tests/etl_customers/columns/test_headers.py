import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_customers.base.errors import FieldInvalid, NotFound, SettingsInvalid, UploadRefused
from etl_customers.columns.account_fields import (
    NO_FIELDS,
    AccountFields,
    Field,
    PropertyType,
    RemovedField,
    load_fields,
    property_header,
)
from etl_customers.columns.field_changes import (
    add_custom_field,
    add_property_field,
    add_property_type,
    remove_custom_field,
)
from etl_customers.columns.header_names import fixed_names
from etl_customers.columns.headers import KnownHeaders, Role, is_own_file, match_header
from etl_customers.columns.template import template_header
from etl_customers.database.connect import connect
from etl_customers.settings.sections import Csv
from schemas.columns import COLUMNS, FieldType
from tests.properties import examples
from tests.refused import refused_as

NAMES = ["first_name", "last_name"]
SHOE = Field("shoe_size", "Shoe size", FieldType.NUMBER, False, ())
PET = PropertyType(
    "pet",
    "Pet",
    (Field("name", "Name", FieldType.TEXT, True, ()), Field("breed", "Breed", FieldType.TEXT, False, ())),
)
FIELDS = AccountFields((SHOE,), (PET,))


def keys(header: list[str], fields: AccountFields = FIELDS, csv: Csv | None = None) -> list[str]:
    return [column.key for column in match_header(header, fields, csv or Csv())]


@pytest.mark.parametrize(
    "header",
    ["first_name", "First Name*", "FIRST-NAME", " first name ", "First.Name", "first_name *", "\ufefffirst_name"],
)
def test_a_header_matches_in_any_case_with_spaces_hyphens_underscores_and_stars(header: str) -> None:
    assert keys([header, "Last Name"]) == NAMES


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Surname", "last_name"),
        ("Given name", "first_name"),
        ("E-mail", "email"),
        ("E-mail 2", "email2"),
        ("ZIP", "postcode"),
        ("Zip code", "postcode"),
        ("Cell Phone", "mobile"),
        ("Company", "business_name"),
        ("Town", "city"),
        ("Province", "state"),
        ("Title", "customer_title"),
    ],
)
def test_plain_synonyms_are_known(header: str, column: str) -> None:
    assert fixed_names()[header.casefold().replace(" ", "").replace("-", "")] == column


def test_the_users_alias_goes_before_a_built_in_name() -> None:
    csv = Csv(aliases={"Phone": "mobile", "Size of shoe": "Shoe size"})
    assert keys([*NAMES, "phone", "size_of_shoe"], csv=csv) == [*NAMES, "mobile", "shoe_size"]


def test_an_alias_that_leads_nowhere_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsInvalid, match=r"csv\.aliases"):
        keys(NAMES, csv=Csv(aliases={"Fax": "fax"}))


def test_an_alias_that_takes_a_header_of_the_accounts_own_is_a_wrong_setting_that_is_named() -> None:
    for alias in ("Shoe size", "shoe-size", "Pet: Name", "pet 3: breed"):
        with pytest.raises(SettingsInvalid) as caught:
            keys(NAMES, csv=Csv(aliases={alias: "suburb", "Fax": "phone"}))
        assert alias in str(caught.value)
        assert "Fax" not in str(caught.value)
    same = Csv(aliases={"Shoe size": "shoe_size", "Pet: Name": "pet:name"})
    assert keys([*NAMES, "Shoe size", "Pet: Name"], csv=same) == [*NAMES, "shoe_size", "Pet: Name"]


@pytest.mark.parametrize("aliases", [{"Fax": "phone", "F-A-X": "mobile"}, {"": "city"}, {" * ": "city"}])
def test_an_alias_that_is_there_twice_or_says_nothing_is_a_wrong_setting(aliases: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid, match=r"csv\.aliases"):
        keys(NAMES, csv=Csv(aliases=aliases))


def test_an_alias_does_not_touch_the_template() -> None:
    csv = Csv(aliases={"Phone": "mobile", "state": "suburb", "Tel": "mobile"})
    header = template_header(FIELDS, csv.required)
    assert keys(header, csv=csv)[: len(COLUMNS)] == [column.name for column in COLUMNS]
    assert keys(["first_name", "last_name*", "phone", "Tel", header[-1]], csv=csv) == [*NAMES, "phone", "mobile", ""]


def test_custom_fields_match_by_label_and_by_id() -> None:
    for header in ("Shoe size", "shoe_size", "SHOE-SIZE"):
        column = match_header([*NAMES, header], FIELDS, Csv())[2]
        assert (column.role, column.key, column.position, column.header) == (Role.CUSTOM_FIELD, "shoe_size", 2, header)


def test_properties_are_numbered_from_two_with_gaps_and_without_limit() -> None:
    header = [*NAMES, "pet:name", "Pet 2: Name", "PET 17 : breed*", "pet123456: Name"]
    columns = match_header(header, FIELDS, Csv())[2:]
    assert [(c.key, c.property_type, c.property_number, c.field) for c in columns] == [
        ("Pet: Name", "pet", 1, "name"),
        ("Pet 2: Name", "pet", 2, "name"),
        ("Pet 17: Breed", "pet", 17, "breed"),
        ("Pet 123456: Name", "pet", 123456, "name"),
    ]


def test_a_numbered_header_is_the_further_property_also_where_an_old_id_ends_in_a_digit() -> None:
    name = (Field("name", "Name", FieldType.TEXT, False, ()),)
    for old in (PropertyType("pet_2", "Pét", name), PropertyType("pet2", "Dog", name)):
        fields = AccountFields((), (PropertyType("pet", "Pet", name), old))
        column = match_header([*NAMES, "Pet 2: Name"], fields, Csv())[2]
        assert (column.property_type, column.property_number) == ("pet", 2)
        column = match_header([*NAMES, f"{old.label} 2: Name"], fields, Csv())[2]
        assert (column.property_type, column.property_number) == (old.id, 2)
    alone = AccountFields((), (PropertyType("pet2", "Dog", name),))
    assert match_header([*NAMES, "pet2: Name"], alone, Csv())[2].property_type == "pet2"
    gone = AccountFields(
        (), (PropertyType("pet2", "Dog", name),), (RemovedField("Pet: Name", datetime(2026, 1, 2, tzinfo=UTC)),)
    )
    with refused_as("unknown_columns", match="removed from the account"):
        keys([*NAMES, "Pet 2: Name"], gone)


def test_an_old_id_that_ends_in_a_digit_does_not_take_a_further_column_of_another_field() -> None:
    size, other = (Field(id, label, FieldType.TEXT, False, ()) for id, label in (("size", "Size"), ("size_2", "Sizé")))
    route = Field("route_66", "Route 66", FieldType.TEXT, False, ())
    parts = AccountFields((size, other, route), (PropertyType("pet", "Pet", (size, other)),))
    assert keys([*NAMES, "Route 66", "Sizé"], parts) == [*NAMES, "route_66", "size_2"]
    for header in ("Size 2", "size_2", "Pet: Size 2", "Route"):
        with refused_as("unknown_columns"):
            keys([*NAMES, header], parts)


def test_a_header_that_may_mean_two_properties_is_refused_and_both_are_named() -> None:
    name = (Field("name", "Name", FieldType.TEXT, False, ()),)
    route, highway = PropertyType("route", "Route", name), PropertyType("highway", "Route 66", name)
    both = AccountFields((), (route, highway))
    with refused_as("ambiguous_columns", match="number 66 of the property route or number 1 of the property highway"):
        keys([*NAMES, "Route 66: Name"], both, Csv(ignore_unknown_columns=True))
    assert keys([*NAMES, "Route 66: Name", "Route 66 2: Name"], AccountFields((), (highway,))) == [
        *NAMES,
        "Route 66: Name",
        "Route 66 2: Name",
    ]


@pytest.mark.parametrize(
    "header", ["Pet 1: Name", "Pet 02: Name", "Pet ٢: Name", "Pet: Colour", "Dog: Name", "Pet", "Pet 2"]
)
def test_what_only_looks_like_a_property_is_unknown(header: str) -> None:
    with refused_as("unknown_columns"):
        keys([*NAMES, header])


def test_unknown_columns_are_named_with_the_nearest_and_with_what_is_missing() -> None:
    with refused_as("unknown_columns") as caught:
        keys(["Frist name", "last_name", "email", "Pet: Bred"])
    message = str(caught.value)
    assert "'Frist name' (column 1; did you mean first_name?)" in message
    assert "did you mean Pet: Breed?" in message
    assert "lacks first_name" in message


def test_unknown_columns_are_ignored_where_the_setting_says_so() -> None:
    columns = match_header([*NAMES, "Fax", ""], FIELDS, Csv(ignore_unknown_columns=True))
    assert [column.role for column in columns] == [Role.COLUMN, Role.COLUMN, Role.IGNORED]


def test_two_headers_of_one_column_are_refused_with_their_places() -> None:
    with refused_as("duplicate_columns", match=r"last_name \(columns 2 and 3\)"):
        keys(["first_name", "Surname", "Last name"])


def test_required_columns_may_not_be_missing_but_for_the_city() -> None:
    with refused_as("missing_columns", match="last_name"):
        keys(["first_name"])
    assert keys(NAMES, csv=Csv(required=("first_name", "city"))) == NAMES
    required = AccountFields((Field("size", "Size", FieldType.TEXT, True, ()),), ())
    with refused_as("missing_columns", match="Size"):
        keys(NAMES, required)


def test_a_first_row_without_any_header_is_not_printed() -> None:
    with refused_as("no_header") as caught:
        keys(["Ms", "Ann", "ann@example.com"])
    assert "ann" not in str(caught.value).casefold()


def test_a_first_row_that_hardly_is_a_header_is_not_printed_either() -> None:
    with refused_as("unknown_columns") as caught:
        keys(["Ms", "Ann", "ann@example.com", "State"])
    assert "ann" not in str(caught.value).casefold()
    assert "column 3" in str(caught.value)


def test_a_header_in_a_message_is_short_and_has_no_control_characters() -> None:
    with refused_as("unknown_columns") as caught:
        keys([*NAMES, "\x1b[31m\u202e" + "x" * 5000])
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_many_unknown_headers_make_a_short_message() -> None:
    known = [column.name for column in COLUMNS]
    with refused_as("unknown_columns", match="and 10 more"):
        keys([*known, *(f"Fax {number}" for number in range(20))])


def test_our_failed_rows_file_is_known_by_its_first_two_columns() -> None:
    header = ["Import ID", "ROW", *NAMES, "errors", "", ""]
    columns = match_header(header, FIELDS, Csv())
    assert [(column.role, column.key) for column in columns if column.role is Role.OWN] == [
        (Role.OWN, "import_id"),
        (Role.OWN, "row"),
        (Role.OWN, "errors"),
    ]
    assert is_own_file(columns)
    with refused_as("unknown_columns"):
        keys(["row", "import_id", *NAMES, "errors"])


def test_our_failed_rows_file_may_have_lost_its_errors() -> None:
    columns = match_header(["import_id", "row", *NAMES], FIELDS, Csv())
    assert is_own_file(columns)
    assert [column.key for column in columns] == ["import_id", "row", *keys(NAMES)]


def test_a_column_added_to_our_failed_rows_file_is_the_only_one_that_is_named() -> None:
    with refused_as("unknown_columns") as caught:
        keys(["import_id", "row", *NAMES, "errors", "Remark"])
    assert "unknown columns: 'Remark' (column 6); rename" in str(caught.value)


def test_the_template_as_it_is_written_matches_in_full() -> None:
    header = template_header(FIELDS, Csv().required)
    columns = match_header(header, FIELDS, Csv())
    assert [column.role for column in columns[-4:]] == [Role.CUSTOM_FIELD, Role.PROPERTY, Role.PROPERTY, Role.TEMPLATE]
    assert len(columns) == len(COLUMNS) + 4


def test_a_stale_template_is_named_as_such_with_what_was_removed_when() -> None:
    old = template_header(FIELDS, ())
    removed_at = datetime(2026, 11, 22, tzinfo=UTC)
    removed = (RemovedField("Shoe size", removed_at), RemovedField("Pet: Breed", removed_at))
    today = AccountFields((), (PropertyType("pet", "Pet", PET.fields[:1]),), removed)
    with refused_as("stale_template") as caught:
        keys(old, today)
    assert "'Shoe size' (column 28; removed from the account on 2026/11/22)" in str(caught.value)
    assert "'Pet: Breed' (column 30; removed" in str(caught.value)


def test_a_removed_field_is_named_without_a_stamp_as_well_whatever_its_number() -> None:
    today = AccountFields((), (), (RemovedField("Pet: Breed", datetime(2026, 1, 2, tzinfo=UTC)),))
    with refused_as("unknown_columns", match="removed from the account on 2026/01/02"):
        keys([*NAMES, "Pet 3: Breed"], today)


def test_a_template_whose_columns_are_all_there_is_not_stale() -> None:
    assert keys([*NAMES, "template:00000000"]) == [*NAMES, ""]


def test_more_columns_than_a_spreadsheet_has_are_refused() -> None:
    with refused_as("too_many_columns"):
        keys([*NAMES, *(f"Pet {number}: Name" for number in range(2, 17_000))])


def test_no_name_of_a_fixed_column_is_ambiguous() -> None:
    names = fixed_names()
    assert {names[column.name.replace("_", "")] for column in COLUMNS} == {column.name for column in COLUMNS}


def test_a_file_without_own_columns_needs_no_account_fields() -> None:
    assert keys(NAMES, NO_FIELDS) == NAMES


LABELS = st.sampled_from(
    ["Pet", "Pét", "PETS", "Size", "Sizé", "Loyalty", "Site", "Line 1", "Line 2", "Phone home", "靴", "帽", "Suburb no"]
)


@examples(60, 2_000)
@given(
    customs=st.lists(LABELS, max_size=4), types=st.lists(LABELS, max_size=3), parts=st.lists(LABELS, max_size=3),
    gone=st.lists(LABELS, max_size=2),
    aliases=st.dictionaries(LABELS | st.sampled_from(["Phone", "state", "Fax", "Pet: Size", "Pet 2: Size"]),
                            st.sampled_from(["mobile", "suburb", "Loyalty", "Pet: Size"]), max_size=3),
)  # fmt: skip
def test_every_header_of_the_template_is_its_own_column_or_the_account_or_the_settings_are_refused(
    migrated_sqlite_file: Path, customs: list[str], types: list[str], parts: list[str], gone: list[str],
    aliases: dict[str, str],
) -> None:  # fmt: skip
    engine = connect(f"sqlite:///{migrated_sqlite_file}")
    with engine.connect() as connection:
        for label in customs:
            with suppress(FieldInvalid):
                add_custom_field(connection, label, FieldType.TEXT)
        for label in gone:
            with suppress(NotFound):
                remove_custom_field(connection, label.lower())
        for label in types:
            with suppress(FieldInvalid):
                kind = add_property_type(connection, label)
                for part in parts:
                    with suppress(FieldInvalid):
                        add_property_field(connection, kind.id, part, FieldType.TEXT)
        fields = load_fields(connection)
        connection.rollback()
    engine.dispose()
    wanted = [column.name for column in COLUMNS] + [field.id for field in fields.custom_fields]
    wanted += [property_header(kind.label, field.label) for kind in fields.property_types for field in kind.fields]
    clashing = [alias for alias, _ in KnownHeaders(fields, {}).clashes(aliases)]
    known = KnownHeaders(fields, {})
    usable = {a: c for a, c in aliases.items() if a not in clashing and known.find(c) is not None}
    columns = match_header(template_header(fields, ()), fields, Csv(aliases=usable))
    assert [column.key for column in columns[:-1]] == wanted
    if clashing:
        with pytest.raises(SettingsInvalid, match=re.escape(clashing[0])):
            match_header(template_header(fields, ()), fields, Csv(aliases=aliases))


TEXTS = st.text(max_size=12) | st.text(st.characters(), max_size=3).map(lambda text: text * 200)
NEARLY = st.sampled_from([*NAMES, "First Name*", "import_id", "row", "errors", "template:00000000", "Pet: Name", "Pet 2: Name",
                          "Pet 999999999999: Name", "Shoe size", "city", "password", "", " ", "e-mail"])  # fmt: skip


@examples(150, 5_000)
@given(header=st.lists(TEXTS | NEARLY, max_size=8), ignore=st.booleans())
def test_any_header_is_matched_column_by_column_or_refused_in_a_sentence(header: list[str], ignore: bool) -> None:
    try:
        columns = match_header(header, FIELDS, Csv(ignore_unknown_columns=ignore, required=()))
    except UploadRefused as refusal:
        said = str(refusal)
    else:
        said = ""
        assert [column.header for column in columns] == header[: len(columns)]
        assert not any(text.strip() for text in header[len(columns) :])
        assert [column.position for column in columns] == list(range(len(columns)))
    assert said.isprintable()
    assert len(said) < 2_000
