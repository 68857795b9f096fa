"""The contract of Xero's contacts as they come, open to fields and words that Xero adds."""

from schemas.provider_records import RecordShape

XERO_CONTACTS = RecordShape(
    name="xero_customers",
    identity="ContactID",
    references=("MergedToContactID",),
    texts=(
        "MergedToContactID",
        "ContactStatus",
        "Name",
        "FirstName",
        "LastName",
        "EmailAddress",
        "UpdatedDateUTC",
    ),
    flags=("IsCustomer", "IsSupplier"),
    lists={
        "ContactPersons": ("FirstName", "LastName", "EmailAddress"),
        "Addresses": (
            "AddressType",
            "AttentionTo",
            "AddressLine1",
            "AddressLine2",
            "AddressLine3",
            "AddressLine4",
            "City",
            "Region",
            "PostalCode",
            "Country",
        ),
        "Phones": ("PhoneType", "PhoneNumber", "PhoneAreaCode", "PhoneCountryCode"),
    },
)
"""Contact of Xero's Accounting API 2.0."""

TO_ERASE = "GDPRREQUEST"
"""The ContactStatus of a contact whose person asked to be forgotten."""

FIELDS: tuple[str, ...] = XERO_CONTACTS.fields
"""What is kept of a contact: nothing else of the books enters staging."""
