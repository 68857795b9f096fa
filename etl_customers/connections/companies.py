"""Which companies a token is for, and the end of one company's connection: where QuickBooks and Xero differ."""

import re
from dataclasses import dataclass
from http import HTTPStatus

from etl_customers.base.errors import ProviderUnavailable
from etl_customers.base.http import Request
from etl_customers.connections.oauth import Application, revoke
from etl_customers.connections.sending import Answer, Patience, send
from etl_customers.connections.vault import TokenSet
from etl_customers.database.connections import ConnectionRecord
from etl_customers.settings.sections import Settings
from schemas.sources import QUICKBOOKS, XERO

_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Company:
    """A company whose customers may be pulled."""

    tenant_id: str
    name: str | None
    vendor_connection_id: str | None
    """Xero's id of the connection; QuickBooks has none."""


def list_companies(
    settings: Settings, provider: str, tokens: TokenSet, realm_id: str | None, patience: Patience
) -> list[Company]:
    """Return the companies that a token set gives access to, in the provider's order.

    Args:
        settings: Name the provider's address.
        provider: ``quickbooks`` or ``xero``.
        tokens: Just given.
        realm_id: QuickBooks' company, as it came with the code.
        patience: How long the provider is waited for.

    Raises:
        ProviderUnavailable: Xero did not answer as it should. (QuickBooks named its company before, and is not asked.)

    Source:
        XeroAPI/Xero-OpenAPI, xero-identity.yaml (read in November 2026).
    """
    if provider == QUICKBOOKS:
        if realm_id is None or not _ID.fullmatch(realm_id):
            raise ProviderUnavailable(provider, "its answer names no company")
        return [Company(realm_id, None, None)]
    answer = ask(settings, provider, "GET", "connections", tokens.access_token, patience)
    if answer.status != HTTPStatus.OK or not isinstance(answer.content, list):
        raise ProviderUnavailable(provider, f"it answered {answer.status}", answer.request_id)
    found = (_xero_company(one) for one in answer.content if isinstance(one, dict))
    return [company for company in found if company is not None]


def end_connection(
    settings: Settings,
    application: Application,
    record: ConnectionRecord,
    tokens: TokenSet,
    is_last: bool,
    patience: Patience,
) -> None:
    """End a connection at its provider; one that the provider does not know any more is ended already.

    Args:
        settings: Name the provider's address.
        application: This program, as the provider knows it.
        record: The connection.
        tokens: Of the connection; Xero wants a valid access token.
        is_last: No other company of this provider is connected. Revoking Xero's refresh token ends
            all connections of the person who made it, so it is done with the last one only.
        patience: How long the provider is waited for.

    Raises:
        UsageError: The client's id or secret is not accepted.
        ProviderUnavailable: The provider did not answer as it should.
    """
    if record.provider == XERO and record.vendor_connection_id is not None:
        path = f"connections/{record.vendor_connection_id}"
        answer = ask(settings, record.provider, "DELETE", path, tokens.access_token, patience)
        if answer.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND):
            raise ProviderUnavailable(record.provider, f"it answered {answer.status}", answer.request_id)
    if record.provider == QUICKBOOKS or is_last:
        revoke(application, tokens.refresh_token, patience)


def _xero_company(record: dict[str, object]) -> Company | None:
    """Return an organisation; none for what is no organisation, such as an accountant's practice."""
    tenant_id, connection_id = record.get("tenantId"), record.get("id")
    if record.get("tenantType", "ORGANISATION") != "ORGANISATION":
        return None
    if not isinstance(tenant_id, str) or not _ID.fullmatch(tenant_id):
        return None
    known = connection_id if isinstance(connection_id, str) and _ID.fullmatch(connection_id) else None
    return Company(tenant_id, name_of(record.get("tenantName")), known)


def ask(
    settings: Settings,
    provider: str,
    method: str,
    path: str,
    access_token: str,
    patience: Patience,
    tenant_id: str | None = None,
    **parameters: str,
) -> Answer:
    """Ask a provider's service and return the answer, whatever its status.

    Args:
        settings: Name the provider's address.
        provider: ``quickbooks`` or ``xero``.
        method: Of HTTP.
        path: Below that address.
        access_token: Valid.
        patience: How long the answer may take.
        tenant_id: Xero's organisation, which goes into a header.
        parameters: Of the query.

    Raises:
        AnswerLost: No whole answer came.
    """
    address = f"{str(settings.provider(provider).api_url).rstrip('/')}/{path}"
    headers = {"Accept": "application/json", "Authorization": f"Bearer {access_token}"}
    if tenant_id is not None:
        headers["xero-tenant-id"] = tenant_id
    return send(provider, Request(method, address, headers, parameters), patience)


def name_of(value: object) -> str | None:
    """Return a name that every database can store."""
    if not isinstance(value, str):
        return None
    return value.encode("utf-8", "replace").decode().replace("\0", "")[:_LONGEST_NAME].strip() or None
