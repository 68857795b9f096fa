"""What goes into the target fits into it, on both databases."""

from datetime import UTC, date, datetime, timedelta, timezone

from etl_customers.database.values import as_utc, json_value, storable, user_name


def test_a_long_name_of_a_user_is_cut_to_what_every_column_of_users_holds() -> None:
    assert user_name("x" * 300) == "x" * 128


def test_nobody_is_no_user() -> None:
    assert user_name(None) is None
    assert user_name("") is None


def test_a_name_of_a_file_that_is_no_text_can_be_stored() -> None:
    assert storable("a\udcff\0b") == "a??b"


def test_a_time_without_a_zone_is_utc_and_every_other_is_made_so() -> None:
    noon = datetime(2026, 12, 1, 12)
    assert as_utc(noon) == noon.replace(tzinfo=UTC)
    assert as_utc(noon.replace(tzinfo=timezone(timedelta(hours=11)))).hour == 1


def test_a_day_is_a_text_in_json() -> None:
    assert json_value(date(2026, 12, 1)) == "2026-12-01"
    assert json_value(7) == 7
