"""The exchanges of OAuth 2: the address where access is given, a code or a refresh token for tokens, the end of one.

Authlib builds them; they are sent by ``sending``. Which connection a token is for, and where
it is kept, is not known here.

Source:
    RFC 6749, RFC 7636 (PKCE), RFC 7009 (revocation).
"""

import json
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlencode

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from etl_customers.base.errors import ProviderUnavailable, UsageError
from etl_customers.base.http import Request
from etl_customers.base.tries import Tries
from etl_customers.connections.sending import Answer, AnswerLost, Patience, send
from etl_customers.connections.vault import TokenSet
from etl_customers.database.connections import REFRESH_LIFE
from etl_customers.settings.environment import ClientCredentials
from etl_customers.settings.sections import Settings
from schemas.sources import LABELS, QUICKBOOKS, XERO

_SCOPES = {
    QUICKBOOKS: "com.intuit.quickbooks.accounting",
    # The settings say in which country the organisation is; without them a pull goes on.
    XERO: "offline_access accounting.contacts.read accounting.settings.read",
}
_PKCE = (XERO,)
_FORM = "application/x-www-form-urlencoded"
_DEFAULT_LIFE = timedelta(minutes=30)
_TOKEN = re.compile(r"[!-~]+")
_LIFE_OF_REFRESH, _HARD_LIFE = "x_refresh_token_expires_in", "x_refresh_token_hard_expires_in"
_ASKING_FOR_HARD_LIFE = {QUICKBOOKS: {"x-include-refresh-token-hard-expires-in": "true"}}
"""Only who asks is told when a connection ends for good (Intuit, "Important changes to refresh token policy", 2025)."""
_WRONG_CLIENT = ("invalid_client", "unauthorized_client")
_log = logging.getLogger(__name__)


class GrantRefused(Exception):
    """The provider does not accept a code or a refresh token (``invalid_grant``); what that means the caller knows."""


@dataclass(frozen=True)
class Application:
    """This program as a provider knows it, and where that provider is."""

    provider: str
    client: ClientCredentials
    authorize_url: str
    token_url: str
    revoke_url: str
    redirect_uri: str

    @classmethod
    def of(cls, provider: str, client: ClientCredentials, settings: Settings) -> "Application":
        """Return the application with the addresses of the settings."""
        section = settings.provider(provider)
        urls = (section.authorize_url, section.token_url, section.revoke_url, section.redirect_uri)
        return cls(provider, client, *map(str, urls))


def authorize_address(application: Application, state: str, verifier: str) -> str:
    """Return the address at which a person gives access.

    Args:
        application: Who asks.
        state: Random; comes back with the answer.
        verifier: Random; only its hash goes along, and only where the provider knows PKCE.
    """
    challenge = create_s256_code_challenge(verifier)  # type: ignore[no-untyped-call]
    pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
    address: str = prepare_grant_uri(
        application.authorize_url,
        client_id=application.client.id,
        response_type="code",
        redirect_uri=application.redirect_uri,
        scope=_SCOPES[application.provider],
        state=state,
        **(pkce if application.provider in _PKCE else {}),
    )
    return address


def redeem_code(application: Application, code: str, verifier: str, patience: Patience) -> TokenSet:
    """Return the token set that a code is good for; a code is good once, so it is sent once.

    Raises:
        GrantRefused: The code is not accepted: used, or too old.
        UsageError: The client's id or secret is not accepted.
        ProviderUnavailable: The provider did not answer as it should.
    """
    pkce = {"code_verifier": verifier} if application.provider in _PKCE else {}
    body = prepare_token_request("authorization_code", redirect_uri=application.redirect_uri, code=code, **pkce)
    return _ask_for_tokens(application, body, None, patience)


def renew(application: Application, refresh_token: str, patience: Patience) -> TokenSet:
    """Return a new token set for a refresh token.

    Where no whole answer comes, the same token is sent again: Xero accepts one whose answer was
    lost for 30 minutes, Intuit until it gives another one, about once a day.

    Raises:
        GrantRefused: The token is no longer accepted.
        UsageError: The client's id or secret is not accepted.
        ProviderUnavailable: The provider did not answer as it should, several times.

    Source:
        Xero, "OAuth 2.0 FAQ" (read in November 2026).
    """
    body = prepare_token_request("refresh_token", refresh_token=refresh_token)
    return Tries(patience.pauses).repeat(
        lambda: _ask_for_tokens(application, body, refresh_token, patience), AnswerLost
    )


def revoke(application: Application, refresh_token: str, patience: Patience) -> None:
    """End what a refresh token stands for; one that the provider does not know any more is ended already.

    At Xero this ends all connections that the person made for this application, not one alone.

    Raises:
        UsageError: The client's id or secret is not accepted.
        ProviderUnavailable: The provider did not answer as it should; perhaps it is ended nevertheless.

    Source:
        intuit/oauth-pythonclient, client.py: Intuit takes JSON, against RFC 7009; Xero, release
        notes of xero-node 4.10.1 (read in November 2026).
    """
    address = application.revoke_url
    if application.provider == QUICKBOOKS:
        body = json.dumps({"token": refresh_token})
        request = _post(application, address, body, "application/json")
    else:
        body = urlencode({"token": refresh_token, "token_type_hint": "refresh_token"})
        request = _post(application, address, body)
    answer = send(application.provider, request, patience)
    if (
        answer.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.BAD_REQUEST)
        or _error(answer) in _WRONG_CLIENT
    ):
        raise _refusal(application, answer)


def _ask_for_tokens(application: Application, body: str, refresh_token: str | None, patience: Patience) -> TokenSet:
    answer = send(application.provider, _post(application, application.token_url, body), patience)
    received_at = datetime.now(UTC)
    if answer.status != HTTPStatus.OK:
        raise _refusal(application, answer)
    found = _token_set(application.provider, answer.content, refresh_token, received_at)
    if found is None:
        raise AnswerLost(application.provider, "it answered with no token", answer.request_id)
    _log.info("%s gave a token, request %s", LABELS[application.provider], answer.request_id)
    return found


def _post(application: Application, address: str, body: str, content_type: str = _FORM) -> Request:
    """Return a POST that says which application sends it: by Basic where it has a secret, else in the form."""
    client = application.client
    auth = ClientAuth(client.id, client.secret, "client_secret_basic" if client.secret else "none")
    headers = {"Accept": "application/json", "Content-Type": content_type}
    if address == application.token_url:
        headers |= _ASKING_FOR_HARD_LIFE.get(application.provider, {})
    address, headers, body = auth.prepare("POST", address, headers, body)  # type: ignore[no-untyped-call]
    return Request("POST", address, headers, body=body)


def _refusal(application: Application, answer: Answer) -> Exception:
    provider, error = application.provider, _error(answer)
    if error == "invalid_grant":
        return GrantRefused(provider)
    if error in _WRONG_CLIENT or answer.status == HTTPStatus.UNAUTHORIZED:
        name = f"ETL_CUSTOMERS_{provider.upper()}_CLIENT_"
        return UsageError(
            f"{LABELS[provider]} does not accept the application's id or secret; correct {name}ID and {name}SECRET"
        )
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AnswerLost(provider, f"it answered {answer.status}", answer.request_id)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return ProviderUnavailable(provider, "too many requests", answer.request_id)
    return ProviderUnavailable(provider, f"it answered {answer.status}", answer.request_id)


def _error(answer: Answer) -> object:
    return answer.content.get("error") if isinstance(answer.content, dict) else None


def _token_set(provider: str, content: object, refresh_token: str | None, received_at: datetime) -> TokenSet | None:
    """Return what an answer gives, none where it is no token set; the refresh token may stay the one that was sent."""
    if not isinstance(content, dict):
        return None
    access, refresh = content.get("access_token"), content.get("refresh_token") or refresh_token
    if not all(isinstance(token, str) and _TOKEN.fullmatch(token) for token in (access, refresh)):
        return None
    life, hard_life = _life(content.get(_LIFE_OF_REFRESH)), _life(content.get(_HARD_LIFE))
    lives = [one for one in (life, hard_life) if one is not None]
    return TokenSet(
        str(access),
        str(refresh),
        received_at,
        expires_at=received_at + (_life(content.get("expires_in")) or _DEFAULT_LIFE),
        refresh_expires_at=received_at + min(lives, default=REFRESH_LIFE[provider]),
        hard_expires_at=None if hard_life is None else received_at + hard_life,
    )


def _life(seconds: object) -> timedelta | None:
    """Return a life that an answer gives in seconds, as a number or as text; none where it gives no sensible one."""
    text = str(seconds).partition(".")[0]
    return timedelta(seconds=int(text)) if re.fullmatch("[1-9][0-9]{0,9}", text) else None
