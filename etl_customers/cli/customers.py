"""Commands about customers: search, show, change one, and tell where one came from."""

from typing import TYPE_CHECKING, Annotated

import typer

from etl_customers.cli.options import (
    MOST_LISTED,
    HomeOption,
    JsonOption,
    ListingGroup,
    installation_at,
    of_a_customer,
    show_in_ui,
    target_at,
    user_name,
)

if TYPE_CHECKING:
    from etl_customers.database.customers import Customer, CustomerChange, CustomerDetails, Trace
    from etl_customers.database.edits import EditRefused
    from etl_customers.database.ledger import ImportRecord
    from etl_customers.database.pulls import ProviderLink

_CustomerId = Annotated[
    int, typer.Argument(metavar="ID", help="The customer's id.", show_default=False, callback=of_a_customer)
]
_HEADERS = ("id", "name or business", "e-mail", "phone", "city", "source")
_HEADERS_OF_PULLED = (*_HEADERS[:2], "name in the books", *_HEADERS[2:])


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    group = typer.Typer(cls=ListingGroup, help="Search customers (customers TEXT), show or edit one.")
    group.command("list")(list_)
    group.command("show")(show)
    group.command("edit")(edit)
    app.add_typer(group, name="customers")
    app.command()(trace)


def list_(
    text: Annotated[
        list[str] | None,
        typer.Argument(help="Part of a name, the name in the books, e-mail, phone or address.", show_default=False),
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="Only customers from csv, quickbooks or xero.")] = None,
    import_id: Annotated[str | None, typer.Option("--import", help="Only customers of this import.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=MOST_LISTED, help="How many customers to list at most.")
    ] = 50,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Search customers by name, name in the books, e-mail, phone or address."""
    from etl_customers.cli.screen import console, print_json, say, table
    from etl_customers.database.connect import reading
    from etl_customers.database.customers import search_customers
    from etl_customers.database.pulls import names_at_providers

    with target_at(home) as target, reading(target) as connection:
        # One more than asked for tells whether there are more.
        found = search_customers(
            connection, " ".join(text) if text else None, source=source, import_id=import_id, limit=limit + 1
        )
        shown = found[:limit]
        names = names_at_providers(connection, [customer.id for customer in shown])
    if json:
        records = [_record(customer) | {"provider_names": names.get(customer.id, [])} for customer in shown]
        print_json({"customers": records, "more": len(found) > limit})
    elif not shown:
        say(
            "no such customer"
            if text or source or import_id
            else "no customers yet; to begin, run: etl-customers import FILE"
        )
    else:
        # Where the books have a name of their own for somebody, it says who of several is meant.
        others = {one.id: ", ".join(name for name in names.get(one.id, []) if name != _name(one)) for one in shown}
        rows = [_row(one, others[one.id]) if any(others.values()) else _row(one) for one in shown]
        console().print(table(_HEADERS if not any(others.values()) else _HEADERS_OF_PULLED, rows, right=("id",)))
        if len(found) > limit:
            say(f"there are more; narrow the search, or list more with --limit {min(limit * 10, MOST_LISTED)}")


def show(customer_id: _CustomerId, json: JsonOption = False, home: HomeOption = None) -> None:
    """Show one customer with its custom fields, properties and import."""
    from etl_customers.cli.screen import console, pairs, print_json
    from etl_customers.database.connect import reading
    from etl_customers.database.customers import show_customer

    with target_at(home) as target, reading(target) as connection:
        details = show_customer(connection, customer_id)
    if json:
        properties = [
            {"type": p.type, "number": p.number, "values": dict(p.values), "provider": p.provider}
            for p in details.properties
        ]
        links = [_link_record(link) for link in details.links]
        print_json(_record(details.customer) | {"properties": properties, "links": links})
    else:
        console().print(pairs(_lines(details)))


def edit(
    customer_id: _CustomerId,
    changes: Annotated[list[str], typer.Argument(metavar="COLUMN=VALUE…", help="New values; COLUMN= empties it.")],
    json: JsonOption = False,
    home: HomeOption = None,
) -> int:
    """Change a customer under the rules of an import; its trace keeps the old values."""
    from etl_customers.changes.editing import edit as edit_customer
    from etl_customers.cli.screen import print_json, say
    from etl_customers.database.connect import reading
    from etl_customers.database.customers import find_customer
    from etl_customers.database.edits import EditRefused

    try:
        with installation_at(home) as installation:
            made = edit_customer(installation, customer_id, _parse(changes), user_name())
            if made:
                with reading(installation.target) as connection:
                    import_id = find_customer(connection, customer_id).import_id
                show_in_ui(installation, [import_id], "a customer was edited")
    except EditRefused as refusal:
        _print_edit_refused(refusal, json)
        return refusal.exit_code
    if json:
        print_json({"id": customer_id, "changes": [_change_record(change) for change in made]})
    elif not made:
        say(f"customer {customer_id} is unchanged")
    else:
        say(f"customer {customer_id} changed:", *(f"  {_change_line(change)}" for change in made))
    return 0


def trace(
    customer_id: Annotated[
        int,
        typer.Argument(metavar="CUSTOMER_ID", help="The customer's id.", show_default=False, callback=of_a_customer),
    ],
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show where a customer came from (import, file, SHA-256, row, run) and what has changed since."""
    from etl_customers.cli.screen import console, pairs, print_json, say, show
    from etl_customers.database.connect import reading
    from etl_customers.database.customers import trace_customer

    with target_at(home) as target, reading(target) as connection:
        found = trace_customer(connection, customer_id)
    if json:
        print_json(_trace_record(found))
        return
    console().print(pairs(_trace_lines(found)))
    if found.changes:
        say("", "Changes since")
        for change in found.changes:
            say(
                f"  {show(change.changed_at)}  {_change_line(change)}  ({change.import_id or change.changed_by or '?'})"
            )


def _print_edit_refused(refusal: "EditRefused", json: bool) -> None:
    from etl_customers.cli.pasting import runnable
    from etl_customers.cli.screen import console, print_json, say, table

    if json:
        error = {"code": "edit_refused", "message": str(refusal), "errors": [dict(e) for e in refusal.errors]}
        print_json({"error": error})
        return
    say(f"error: customer {refusal.customer_id} was not changed", error=True)
    rows = [(e["column"], runnable(e["message"] or ""), e.get("suggestion")) for e in refusal.errors]
    console(error=True).print(table(("column", "reason", "suggestion"), rows))


def _parse(changes: list[str]) -> dict[str, str]:
    from etl_customers.base.errors import UsageError

    parsed = {}
    for change in changes:
        name, sign, value = change.partition("=")
        column = name.strip().lower().replace("-", "_").replace(" ", "_")
        if not sign or not column:
            raise UsageError("write a change as COLUMN=VALUE, such as city=Sydney; quote values with spaces")
        if column in parsed:
            raise UsageError(f"{column} is given twice")
        parsed[column] = value.strip() if column != "password" else value
    return parsed


def _name(customer: "Customer") -> str:
    values = customer.values
    person = " ".join(str(values[part]) for part in ("first_name", "last_name") if values[part])
    business = str(values["business_name"] or "")
    return f"{business} ({person})" if business and person else business or person


def _row(customer: "Customer", *names: str) -> tuple[object, ...]:
    values = customer.values
    first = {
        kind: next((values[f"{kind}{n}"] for n in ("", "2", "3") if values[f"{kind}{n}"]), None) for kind in _KINDS
    }
    source = customer.import_id.partition("-")[0]
    phone = first["mobile"] or first["phone"]
    return customer.id, _name(customer), *names, first["email"], phone, values["city"], source


_KINDS = ("email", "mobile", "phone")


def _record(customer: "Customer") -> dict[str, object]:
    return {
        "id": customer.id,
        **customer.values,
        "custom_fields": dict(customer.custom_fields),
        "has_password": customer.has_password,
        "is_active": customer.is_active,
        "warnings": customer.warnings,
        "source": customer.import_id.partition("-")[0],
        "import_id": customer.import_id,
        "import_row": customer.import_row,
        "created_at": customer.created_at,
        "updated_at": customer.updated_at,
    }


def _lines(details: "CustomerDetails") -> list[tuple[str, object]]:
    from schemas.codes import message

    customer, record = details.customer, details.record
    lines: list[tuple[str, object]] = [("id", customer.id)]
    lines += [(name, value) for name, value in customer.values.items() if value is not None]
    lines += list(customer.custom_fields.items())
    lines += [(f"{p.type} {p.number}", dict(p.values)) for p in details.properties]
    lines += [("password", "set" if customer.has_password else "none"), ("active", customer.is_active)]
    lines += [("warning", message(w["code"], w["column"])) for w in customer.warnings]
    lines += _link_lines(details.links)
    row = "" if record.file_name is None else f", row {customer.import_row} of {record.file_name}"
    lines += [("import", f"{customer.import_id}{row}")]
    return [*lines, ("created", customer.created_at), ("updated", customer.updated_at)]


def _trace_lines(found: "Trace") -> list[tuple[str, object]]:
    record = found.record
    lines: list[tuple[str, object]] = [
        ("customer", found.customer_id),
        ("import", record.import_id),
        ("source", record.source),
    ]
    if record.file_name is not None:
        lines += [("file", record.file_name), ("sha256", record.sha256), ("row", found.import_row)]
    lines += [
        ("accepted", record.accepted_at),
        ("accepted by", record.accepted_by),
        ("loaded", record.finished_at),
        ("run", record.run_id),
    ]
    if found.parent is not None:
        row = "" if found.parent_row is None else f"row {found.parent_row} of "
        lines.append(("corrects", f"{row}{found.parent.file_name}, import {found.parent.import_id}"))
    return lines + _link_lines(found.links)


def _link_lines(links: "list[ProviderLink]") -> list[tuple[str, object]]:
    from etl_customers.cli.screen import show
    from schemas.sources import LABELS

    lines: list[tuple[str, object]] = []
    for link in links:
        more = [f"below {link.parent_id}"] if link.parent_id else []
        more += [f"merged into {link.merged_into}"] if link.merged_into else []
        more += [f"gone at the provider since {show(link.vanished_at)}"] if link.vanished_at else []
        more += [f"to be erased since {show(link.erasure_asked_at)}"] if link.erasure_asked_at else []
        what = f"{link.provider_id} of tenant {link.tenant_id}"
        called = [f"called {link.name} there"] if link.name else []
        lines.append((LABELS[link.provider], ", ".join([what, *called, *more])))
    return lines


def _link_record(link: "ProviderLink") -> dict[str, object]:
    return {
        "provider": link.provider,
        "connection": link.tenant_id,
        "provider_id": link.provider_id,
        "display_name": link.display_name,
        "qualified_name": link.qualified_name,
        "parent_id": link.parent_id,
        "merged_into": link.merged_into,
        "provider_updated_at": link.provider_updated_at,
        "synced_at": link.synced_at,
        "vanished_at": link.vanished_at,
        "erasure_asked_at": link.erasure_asked_at,
    }


def _trace_record(found: "Trace") -> dict[str, object]:
    return {
        "customer_id": found.customer_id,
        "row": found.import_row,
        "import": _import_record(found.record),
        "corrects": None if found.parent is None else {"row": found.parent_row, "import": _import_record(found.parent)},
        "changes": [_change_record(change) for change in found.changes],
        "links": [_link_record(link) for link in found.links],
    }


def _import_record(record: "ImportRecord") -> dict[str, object]:
    return {
        "import_id": record.import_id,
        "source": record.source,
        "file": record.file_name,
        "sha256": record.sha256,
        "accepted_at": record.accepted_at,
        "accepted_by": record.accepted_by,
        "finished_at": record.finished_at,
        "run_id": record.run_id,
    }


def _change_record(change: "CustomerChange") -> dict[str, object]:
    return {
        "column": change.column,
        "old_value": change.old_value,
        "new_value": change.new_value,
        "import_id": change.import_id,
        "changed_by": change.changed_by,
        "changed_at": change.changed_at,
    }


def _change_line(change: "CustomerChange") -> str:
    from etl_customers.cli.screen import show

    if change.column == "password":
        return "password: changed"
    return f"{change.column}: {show(change.old_value) or '(empty)'} → {show(change.new_value) or '(empty)'}"
