"""The OAuth 2 side of the fakes: grants, codes, access tokens, and refresh tokens that rotate as each vendor has it.

Nothing here knows customers. Sources: Intuit's and Xero's OAuth 2 pages and FAQs; where they leave
something open the fake is strict: an old refresh token that is used again makes its successor invalid.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from tests.fakes.loopback import Answer, Request, as_json
from tests.fakes.provider_server import Clock

CLIENT_ID = "fake-client-id"
CLIENT_SECRET = "fake-client-secret"
HARD_LIFE_HEADER = "x-include-refresh-token-hard-expires-in"


@dataclass(frozen=True)
class Rules:
    """Where the vendors differ; lives and graces of the fake's clock."""

    access_life: timedelta
    refresh_life: timedelta
    rotates_after: timedelta
    """A refresh token as old as this is replaced when it is used."""
    grace: timedelta
    """How long a replaced refresh token may be used once more."""
    token_type: str
    refresh_life_field: str | None
    hard_life: timedelta | None
    """How long a consent holds at most; told only to who asks."""
    invalid_client_status: int


@dataclass
class Grant:
    """One person's consent: which companies, and the refresh token of the day."""

    tenants: tuple[str, ...]
    scope: str
    refresh_token: str = ""
    given_at: datetime | None = None
    issued_at: datetime | None = None
    used_at: datetime | None = None
    replaced_at: datetime | None = None
    previous: str = ""
    """The refresh token before this one."""
    is_revoked: bool = False


@dataclass
class _Code:
    grant: Grant
    redirect_uri: str
    challenge: str | None
    expires_at: datetime


@dataclass
class OAuth:
    """Everything a fake has issued."""

    clock: Clock
    rules: Rules
    is_denying: bool = False
    """The person presses Cancel."""
    is_public: bool = False
    """The client has no secret: its id in the form will do, and PKCE is a must."""
    issued: set[str] = field(default_factory=set)
    """Every token and code there ever was: tests look for them where they must not be."""
    grants: list[Grant] = field(default_factory=list)
    _codes: dict[str, _Code] = field(default_factory=dict)
    _access: dict[str, tuple[Grant, datetime]] = field(default_factory=dict)

    def authorize(self, request: Request, tenants: tuple[str, ...], **extra: str) -> Answer:
        """Redirect at once, as if the person had signed in and agreed; ``extra`` goes onto the redirect."""
        asked = request.parameters
        if asked.get("client_id") != CLIENT_ID or asked.get("response_type") != "code" or "redirect_uri" not in asked:
            return Answer(400, b"<html>unknown client</html>", "text/html")
        state = {"state": asked["state"]} if "state" in asked else {}
        if self.is_denying:
            return _redirect(asked["redirect_uri"], {"error": "access_denied", **state})
        code = self._new("code")
        grant = Grant(tenants, asked.get("scope", ""))
        challenge = asked.get("code_challenge") if asked.get("code_challenge_method") == "S256" else None
        self._codes[code] = _Code(grant, asked["redirect_uri"], challenge, self.clock.now() + timedelta(minutes=5))
        return _redirect(asked["redirect_uri"], {"code": code, **state, **extra})

    def token(self, request: Request) -> Answer:
        """Exchange a code or a refresh token for a token set."""
        form = request.form
        if not self._is_client(request):
            return as_json({"error": "invalid_client"}, self.rules.invalid_client_status)
        if form.get("grant_type") == "authorization_code":
            grant = self._redeem(form)
        elif form.get("grant_type") == "refresh_token":
            grant = self._refresh(form.get("refresh_token", ""))
        else:
            return as_json({"error": "unsupported_grant_type"}, 400)
        if grant is None:
            return as_json(
                {"error": "invalid_grant", "error_description": "Incorrect or invalid authorization code or token"}, 400
            )
        answer = self._token_set(grant)
        is_asked = request.headers.get(HARD_LIFE_HEADER) == "true"
        if is_asked and self.rules.hard_life is not None and grant.given_at is not None:
            left = grant.given_at + self.rules.hard_life - self.clock.now()
            answer["x_refresh_token_hard_expires_in"] = int(left.total_seconds())
        return as_json(answer)

    def revoke(self, request: Request) -> Answer:
        """Take back the consent that a token stands for; an unknown token is no error."""
        if not self._is_client(request):
            return as_json({"error": "invalid_client"}, self.rules.invalid_client_status)
        token = request.form.get("token", "")
        for grant in self.grants:
            if token in (grant.refresh_token, grant.previous) or self._access.get(token, (None,))[0] is grant:
                grant.is_revoked = True
        return Answer(200, b"", "text/plain")

    def sign_in(self, tenants: tuple[str, ...], scope: str) -> dict[str, str | int]:
        """Return the token set of a new consent, without browser and code."""
        return self._token_set(self._accepted(Grant(tenants, scope)))

    def grant_of(self, request: Request) -> Grant | None:
        """Return the consent behind a request's access token; None: 401."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        grant, expires_at = self._access.get(token, (None, None)) if kind.lower() == "bearer" else (None, None)
        if grant is None or expires_at is None or expires_at <= self.clock.now() or grant.is_revoked:
            return None
        return grant

    def expire_access_tokens(self) -> None:
        """Make every access token invalid; refresh tokens stay."""
        self._access.clear()

    def forget_grants(self) -> None:
        """Take back every consent, as a person does in the provider's own pages."""
        for grant in self.grants:
            grant.is_revoked = True

    def _redeem(self, form: dict[str, str]) -> Grant | None:
        code = self._codes.pop(form.get("code", ""), None)  # once only
        if code is None or code.expires_at < self.clock.now() or code.redirect_uri != form.get("redirect_uri"):
            return None
        if code.challenge is None:
            return None if self.is_public else self._accepted(code.grant)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        is_right = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == code.challenge
        return self._accepted(code.grant) if is_right else None

    def _accepted(self, grant: Grant) -> Grant:
        grant.refresh_token = self._new("refresh")
        grant.given_at = grant.issued_at = grant.used_at = self.clock.now()
        self.grants.append(grant)
        return grant

    def _refresh(self, token: str) -> Grant | None:
        now = self.clock.now()
        for grant in self.grants:
            if not token or token not in (grant.refresh_token, grant.previous) or grant.is_revoked:
                continue
            assert grant.issued_at is not None
            assert grant.used_at is not None
            assert grant.given_at is not None
            if now >= grant.used_at + self.rules.refresh_life:
                return None
            if self.rules.hard_life is not None and now >= grant.given_at + self.rules.hard_life:
                return None
            if token == grant.previous:
                if grant.replaced_at is None or now > grant.replaced_at + self.rules.grace:
                    return None
                # Its first successor was never heard of: that one dies, the grace goes on from where it began.
                grant.refresh_token, grant.issued_at = self._new("refresh"), now
            elif now >= grant.issued_at + self.rules.rotates_after:
                grant.previous, grant.replaced_at = token, now
                grant.refresh_token, grant.issued_at = self._new("refresh"), now
            grant.used_at = now
            return grant
        return None

    def _token_set(self, grant: Grant) -> dict[str, str | int]:
        access = self._new("access")
        self._access[access] = grant, self.clock.now() + self.rules.access_life
        answer: dict[str, str | int] = {
            "access_token": access,
            "refresh_token": grant.refresh_token,
            "token_type": self.rules.token_type,
            "expires_in": int(self.rules.access_life.total_seconds()),
        }
        if self.rules.refresh_life_field is not None:
            answer[self.rules.refresh_life_field] = int(self.rules.refresh_life.total_seconds())
        else:
            answer["scope"] = grant.scope
        return answer

    def _is_client(self, request: Request) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            return base64.b64decode(given).decode() == f"{CLIENT_ID}:{CLIENT_SECRET}"
        return self.is_public and request.form.get("client_id") == CLIENT_ID

    def _new(self, what: str) -> str:
        token = f"{what}-{secrets.token_urlsafe(24)}"
        self.issued.add(token)
        return token


def _redirect(uri: str, parameters: dict[str, str]) -> Answer:
    joint = "&" if "?" in uri else "?"
    return Answer(302, b"", "text/html", {"Location": f"{uri}{joint}{urlencode(parameters)}"})
