"""Which companies a token is for, and the end of one company's connection: where QuickBooks and Xero differ."""

import re
from dataclasses import dataclass
from http import HTTPStatus

import requests

from etl_customers.connections.oauth import Application, revoke
from etl_customers.connections.sending import Answer, AnswerLost, Patience, send
from etl_customers.connections.vault import TokenSet
from etl_customers.errors import ProviderUnavailable
from etl_customers.settings import Settings
from etl_customers.target.connections import ConnectionRecord
from schemas.sources import QUICKBOOKS, XERO

_MINOR_VERSION = "75"
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
        ProviderUnavailable: Xero did not answer as it should. (QuickBooks is asked for a name only.)

    Source:
        XeroAPI/Xero-OpenAPI, xero-identity.yaml; Intuit, "CompanyInfo" (read in November 2026).
    """
    if provider == QUICKBOOKS:
        if realm_id is None or not _ID.fullmatch(realm_id):
            raise ProviderUnavailable(provider, "its answer names no company")
        return [Company(realm_id, _quickbooks_name(settings, tokens, realm_id, patience), None)]
    answer = _ask(provider, "GET", _address(settings, XERO, "connections"), tokens, patience)
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
        address = _address(settings, XERO, f"connections/{record.vendor_connection_id}")
        answer = _ask(record.provider, "DELETE", address, tokens, patience)
        if answer.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND):
            raise ProviderUnavailable(record.provider, f"it answered {answer.status}", answer.request_id)
    if record.provider == QUICKBOOKS or is_last:
        revoke(application, tokens.refresh_token, patience)


def _quickbooks_name(settings: Settings, tokens: TokenSet, realm_id: str, patience: Patience) -> str | None:
    """Return the company's name; none where it is not to be had, which is no reason not to connect."""
    address = _address(settings, QUICKBOOKS, f"v3/company/{realm_id}/companyinfo/{realm_id}")
    try:
        content = _ask(QUICKBOOKS, "GET", address, tokens, patience, minorversion=_MINOR_VERSION).content
    except AnswerLost:
        return None
    info = content.get("CompanyInfo") if isinstance(content, dict) else None
    return _name(info.get("CompanyName")) if isinstance(info, dict) else None


def _xero_company(record: dict[str, object]) -> Company | None:
    """Return an organisation; none for what is no organisation, such as an accountant's practice."""
    tenant_id, connection_id = record.get("tenantId"), record.get("id")
    if record.get("tenantType", "ORGANISATION") != "ORGANISATION":
        return None
    if not isinstance(tenant_id, str) or not _ID.fullmatch(tenant_id):
        return None
    known = connection_id if isinstance(connection_id, str) and _ID.fullmatch(connection_id) else None
    return Company(tenant_id, _name(record.get("tenantName")), known)


def _ask(provider: str, method: str, address: str, tokens: TokenSet, patience: Patience, **parameters: str) -> Answer:
    headers = {"Accept": "application/json", "Authorization": f"Bearer {tokens.access_token}"}
    return send(provider, requests.Request(method, address, headers=headers, params=parameters), patience)


def _address(settings: Settings, provider: str, path: str) -> str:
    return f"{str(settings.provider(provider).api_url).rstrip('/')}/{path}"


def _name(value: object) -> str | None:
    """Return a name that every database can store."""
    if not isinstance(value, str):
        return None
    return value.encode("utf-8", "replace").decode().replace("\0", "")[:_LONGEST_NAME].strip() or None
