"""Codes of errors and warnings of a row, with the message each one stands for.

Messages never contain a customer's value. ``{column}`` is the column as the user
knows it, ``{reference}`` a row number, a customer's id or a length.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ALREADY_EXISTS = "already_exists"
"""The target has a customer with the same identity key; the error's reference is that customer's id."""

DUPLICATE_IN_FILE = "duplicate_in_file"
"""An earlier row that is loaded has the same identity key; the error's reference is that row."""


INVALID_RECORD, SUPPLIER_ONLY, UNUSED, SUB_CUSTOMER, PROJECT, MERGED, ERASED = (
    "invalid_record",
    "supplier_only",
    "unused_contact",
    "sub_customer",
    "project",
    "merged",
    "erased",
)

LEFT_OUT_CODES = frozenset({SUPPLIER_ONLY, UNUSED, SUB_CUSTOMER, PROJECT, MERGED, ERASED})
"""Of a provider's customer that was not synced because it should not be: nobody has to do anything about it."""

ERROR_VALUE = "error_value"
"""A cell is an error value of a spreadsheet; the error's reference says which of the known ones."""

COLUMN_LEFT_OUT, CONTACT_LEFT_OUT = "column_left_out", "contact_left_out"
"""Warnings of a file as a whole: a column is not in the target; and most of its cells look like ways to reach a person."""

OTHER_SHEET = "other_sheet"
"""Warning of a workbook as a whole; the reference is the sheet's title."""
INCOMPLETE = "incomplete"
"""Warning of a pull as a whole: not as many customers came as there are; the reference says in words what disagrees."""
DELETIONS_UNKNOWN = "deletions_unknown"
"""Warning of a pull as a whole: who was deleted at the provider is not known; the reference says in words why."""
VANISHED = "vanished"
"""Of a customer that is in the target and no longer exists at the provider."""
RECORD_KINDS = "record_kinds"
"""Note of a full pull as a whole, no warning: the reference says how many records there were of each kind."""
RAGGED_ROW, HEADER_AGAIN = "ragged_row", "header_again"
"""Of a row whose cells stand in no certain column: of a ragged one the error's reference says in words what is wrong."""

UNKNOWN_STATE = "unknown_state"
"""A cell is no state of its row's country; the error's reference is that country's code."""

LEFT_OUT, NO_PLACE = "left_out", "no_place"
"""Warnings of a provider's customer: a text that the rules cannot read; and more of a kind than columns for it."""
KEPT_EDITED = "kept_edited"
"""Warning of a provider's customer: a person edited the column here, and it has changed at the provider since."""

OTHER_ADDRESS, ATTENTION = "other_address", "attention_left_out"
"""Warnings of a provider's customer: a second address, and whom an address is for; neither has a column."""
OF_RECORDS = frozenset({NO_PLACE, OTHER_ADDRESS, ATTENTION})
"""Warnings of what else a provider's record has: they stand under a column, and hold whatever its value is here."""


@dataclass(frozen=True)
class Problem:
    """What a code means: the message, and what the user can do about it."""

    code: str
    message: str


_ERRORS = (
    Problem(
        RAGGED_ROW,
        "{column} has {reference}; put each cell under its header, and quote a cell that holds the delimiter",
    ),
    Problem(HEADER_AGAIN, "{column} repeats the header; delete it"),
    Problem("required", "{column} is empty; fill it in"),
    Problem("too_long", "{column} is longer than {reference} characters; shorten it"),
    Problem("unprintable_character", "{column} has an invisible control character; retype the cell"),
    Problem(ERROR_VALUE, "{column} is the spreadsheet error {reference}; correct the formula or type the value"),
    Problem("unknown_title", "{column} is not one of Dr, Mr, Mrs, Miss, Ms"),
    Problem("unknown_customer_type", "{column} is neither Personal nor Business"),
    Problem("business_name_missing", "{column} is empty, but the customer type is Business; fill it in"),
    Problem("invalid_email", "{column} is not a valid e-mail address"),
    Problem(
        "invalid_phone",
        "{column} is not a phone number in the row's country; correct it, or put + and the country code first",
    ),
    Problem("unknown_country", "{column} is not a country; use its ISO 3166-1 name or code"),
    Problem(UNKNOWN_STATE, "{column} is not a state of the row's country; see etl-customers states {reference}"),
    Problem("invalid_date", "{column} is not a date in the form YYYY/MM/DD"),
    Problem("invalid_number", "{column} is not a number; write it with digits and one point, like 1250.50"),
    Problem("invalid_yes_no", "{column} is neither yes nor no"),
    Problem(
        "unknown_choice",
        "{column} is not one of the choices of this field; see etl-customers fields list or properties list",
    ),
    Problem(
        "invalid_failed_row", "{column} is not the number of a failed row; leave it as it was in the failed-rows file"
    ),
    Problem(DUPLICATE_IN_FILE, "{column} duplicates row {reference}, which was loaded"),
    Problem(ALREADY_EXISTS, "{column} already belongs to customer {reference}"),
    Problem("name_missing", "there is neither a person's name nor a business name; fill in one of them"),
    Problem(INVALID_RECORD, "{column} does not have the form that the provider documents; check the record there"),
    Problem(
        SUPPLIER_ONLY,
        "the contact is only a supplier; to sync it, run: etl-customers settings set xero.include_suppliers true",
    ),
    Problem(
        UNUSED,
        "the contact has no sales and no purchases; to sync it, run: etl-customers settings set xero.include_unused true",
    ),
    Problem(
        SUB_CUSTOMER,
        "it is a sub-customer of customer {reference}; to sync it, run: etl-customers settings set quickbooks.sub_customers import",
    ),
    Problem(PROJECT, "it is a project, not a customer"),
    Problem(MERGED, "it was merged into {reference} at the provider"),
    Problem(ERASED, "the person was erased, here or at the provider, and will not be synced again"),
)

_WARNINGS = (
    Problem(
        "customer_type_defaulted",
        "{column} was empty; it was set to Business if there is a business name, otherwise to Personal",
    ),
    Problem("city_defaulted", "{column} was empty; it was set to the first city of the state"),
    Problem("city_defaulted_to_company", "{column} was empty; it was set to the company's city"),
    Problem("country_defaulted", "{column} was empty; it was set to the company's country"),
    Problem(LEFT_OUT, "a text for {column} could not be read and was left out; correct it at the provider"),
    Problem(
        OTHER_ADDRESS,
        "the customer has a second address at the provider; it was left out, because there is no column for it here",
    ),
    Problem(
        ATTENTION,
        "the address at the provider names a recipient; the name was left out, because there is no column for it here",
    ),
    Problem(NO_PLACE, "the provider has more values for {column} than there are columns; the first three were taken"),
    Problem(
        KEPT_EDITED,
        "{column} was edited here and has since changed at the provider; your edit was kept; compare the two and correct one",
    ),
    Problem("invisible_removed", "{column} had invisible characters; they were removed"),
    Problem(
        "damaged_text",
        "{column} has garbled characters, so it was damaged before the import; compare it with its source",
    ),
    Problem(
        "mixed_scripts",
        "{column} mixes letters of different alphabets that look alike; check that the address is right",
    ),
    Problem(COLUMN_LEFT_OUT, "the column {column} was left out: the target has no such column"),
    Problem(
        CONTACT_LEFT_OUT,
        "the column {column} was left out, but most of its cells look like e-mail addresses or phone numbers; "
        "to import them, give it a column in csv.aliases",
    ),
    Problem(
        OTHER_SHEET, "the sheet {reference} has cells too and was not read; to import it, save it as a separate file"
    ),
    Problem(
        INCOMPLETE,
        "some customers may be missing: {reference}; those that came were synced, and the next pull asks for all of them again",
    ),
    Problem(
        DELETIONS_UNKNOWN,
        "some customers that were deleted or merged at the provider may not be known: {reference}",
    ),
    Problem(
        VANISHED,
        "it no longer exists at the provider: it was merged into another customer or deleted there; it is now inactive here",
    ),
    Problem("unassigned_phone", "{column} looks valid but is not in an assigned range"),
)

ERRORS: dict[str, Problem] = {problem.code: problem for problem in _ERRORS}
WARNINGS: dict[str, Problem] = {problem.code: problem for problem in _WARNINGS}


def describe_file_warning(warning: Mapping[str, str | None]) -> str:
    """Return the message of a warning of a file as a whole: column, code and reference."""
    return message(warning["code"] or "", warning["column"] or "", warning["reference"])


def message(code: str, column: str, reference: str | None = None) -> str:
    """Return the message of an error or warning, in words that hold no customer's value.

    Args:
        code: A key of ``ERRORS`` or ``WARNINGS``.
        column: The column as the user knows it, ``name and address`` for that key.
        reference: Row number, customer id, length or country that the message names, where it names one.

    Raises:
        KeyError: The code is not in the catalogue.
    """
    problem = ERRORS.get(code) or WARNINGS[code]
    if code == UNKNOWN_STATE:  # an earlier version did not note the country
        reference = reference or "COUNTRY"
    return problem.message.format(column=column, reference=reference)
