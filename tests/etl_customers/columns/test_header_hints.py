"""Headers of other systems' exports, and which column is suggested for each, if any."""

import pytest

from etl_customers.columns.account_fields import AccountFields, Field, PropertyType
from etl_customers.columns.headers import KnownHeaders
from schemas.columns import FieldType

FIELDS = AccountFields(
    (Field("shoe_size", "Shoe size", FieldType.NUMBER, False, ()),),
    (PropertyType("pet", "Pet", (Field("breed", "Breed", FieldType.TEXT, False, ()),)),),
)
HEADERS = {
    "Frist name": "first_name", "Sirname": "last_name", "Given Name(s)": "first_name", "Emial": "email", "Primary Email Address": "email",
    "E-mail 1 - Value": "email", "Home Phone": "phone", "Work Phone": "phone", "Phone 1 - Value": "phone", "Telphone": "phone", "Ph": "phone",
    "Mob": "mobile", "Cell #": "mobile", "Business Street": "street_address", "Billing Address": "street_address", "Addr": "street_address",
    "Postal Address": "street_address", "Billing City": "city", "MailingCity": "city", "State/Province": "state", "State Code": "state",
    "county": "state", "County": "state", "Region": "state", "County/State": "state", "post": "postcode", "Post Cde": "postcode",
    "Mailing Zip/Postal Code": "postcode", "Eircode": "postcode", "PIN Code": "postcode", "Contry": "country", "Country/Region": "country",
    "Suberb": "suburb", "Apt": "unit", "Unit No": "unit", "Organization 1 - Name": "business_name", "Passwrd": "password",
    "Shoe sise": "Shoe size", "Pet Breed": "Pet: Breed", "Pet: Bred": "Pet: Breed",
    "CustomerId": "", "Customer ID": "", "Customer": "", "Customer Name": "", "Contact Name": "", "Full Name": "", "Name": "", "Company ID": "",
    "Status": "", "Statement": "", "Job Title": "", "Fax": "", "Fax Number": "", "Address 2": "", "Address Line 2": "", "Street 2": "",
    "Street No": "", "Email 4": "", "Mobile 4": "", "Email Opt In": "", "Email Verified": "", "Mobile Opt Out": "", "Phone Ext": "",
    "Accepts Email Marketing": "", "City ID": "", "Suburb/City": "", "Date of Birth": "", "Country of Birth": "", "Birthday": "", "Notes": "",
    "Gender": "", "Website": "", "Tags": "", "Total Spent": "", "Lead Source": "", "Owner": "", "Created At": "", "Last Modified": "",
    "First Purchase": "", "Title Case": "", "id": "", "NULL": "", "N/A": "", "-": "", "x": "", "": "", "x" * 10_000: "",
}  # fmt: skip


@pytest.mark.parametrize(("header", "suggested"), HEADERS.items())
def test_a_column_is_suggested_where_one_is_meant_and_none_where_that_is_not_certain(
    header: str, suggested: str
) -> None:
    known = KnownHeaders(FIELDS, {})
    assert known.find(header) is None
    assert (known.nearest(header) or "") == suggested
