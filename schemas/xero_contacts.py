"""The contract of Xero's contacts as they come, open to fields that Xero adds."""

FIELDS: tuple[str, ...] = (
    "ContactID",
    "MergedToContactID",
    "ContactStatus",
    "Name",
    "FirstName",
    "LastName",
    "EmailAddress",
    "ContactPersons",
    "Addresses",
    "Phones",
    "IsCustomer",
    "IsSupplier",
    "UpdatedDateUTC",
)
"""What is kept of a contact: nothing else of the books enters staging."""
