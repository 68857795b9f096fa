"""How a row of the file becomes a customer: widgets, which read cells, and the resource with its settings for bulk work.

Imported once Django is set up.
"""

from typing import Any

from import_export import fields, resources, widgets

from benchmarks.peers.django_import_export.models import Customer
from benchmarks.peers.rules import DATE_FORMAT, NUMBERS, read_phone, read_title, read_type


class _Phone(widgets.CharWidget):
    def clean(self, value: str, row: Any = None, **_: Any) -> str:  # noqa: ANN401, ARG002 - the library's signature
        if not value:
            return ""
        number = read_phone(value)
        if number is None:
            raise ValueError("not a number")
        return number


class _Title(widgets.CharWidget):
    def clean(self, value: str, row: Any = None, **_: Any) -> str:  # noqa: ANN401, ARG002
        return read_title(value) or value


class _Type(widgets.CharWidget):
    def clean(self, value: str, row: Any = None, **_: Any) -> str:  # noqa: ANN401
        return read_type(value, row["business_name"]) or value


def _field(name: str, widget: widgets.Widget) -> fields.Field:
    return fields.Field(column_name=name, attribute=name, widget=widget)


class _Customers(resources.ModelResource):
    customer_title = _field("customer_title", _Title())
    customer_type = _field("customer_type", _Type())
    date_joined = _field("date_joined", widgets.DateWidget(format=DATE_FORMAT))

    class Meta:
        model = Customer
        use_bulk = True
        batch_size = 1_000
        force_init_instance = True
        skip_diff = True
        skip_html_diff = True
        report_skipped = False
        clean_model_instances = True

    def before_import_row(self, row: Any, **_: Any) -> None:  # noqa: ANN401
        for name, value in row.items():
            row[name] = value.strip()
        row["city"] = row["city"] or row["state"]


def customers() -> resources.ModelResource:
    """Return the resource; every column of a number is read as such."""
    resource = _Customers()
    for name in NUMBERS:
        resource.fields[name].widget = _Phone()
    return resource
