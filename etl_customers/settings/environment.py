"""What the environment alone says: the target's address, keys and client ids, which no file of the home holds in plain text."""

import os
import re
from dataclasses import dataclass, field

from etl_customers.base.errors import SettingsInvalid
from etl_customers.settings.home import Home
from schemas.sources import QUICKBOOKS

PREFIX = "ETL_CUSTOMERS_"
"""Begins the name of every variable of ours."""
DATABASE_VARIABLE = "ETL_CUSTOMERS_DATABASE_URL"
SECRET_KEY_VARIABLE = "ETL_CUSTOMERS_SECRET_KEY"
"""Holds the key of stored tokens, in the place of the home's ``secret.key``."""


@dataclass(frozen=True)
class ClientCredentials:
    """By what a provider knows the application that an account has registered there."""

    id: str
    secret: str | None = field(repr=False)
    """None where the application has none (Xero, PKCE alone)."""


def database_url(home: Home) -> str:
    """Return the SQLAlchemy URL of the target: the environment's, else the embedded SQLite file."""
    return os.environ.get(DATABASE_VARIABLE) or f"sqlite:///{home.embedded_database}"


def secret_keys() -> str | None:
    """Return the keys of stored tokens as the environment has them, none where it has none."""
    return os.environ.get(SECRET_KEY_VARIABLE) or None


def client_credentials(provider: str) -> ClientCredentials:
    """Return the client id and secret of a provider, from the environment only.

    Raises:
        SettingsInvalid: The id is missing, QuickBooks has no secret, or one is no plain ASCII.
    """
    names = [f"{PREFIX}{provider.upper()}_CLIENT_{part}" for part in ("ID", "SECRET")]
    client_id, secret = (os.environ.get(name, "").strip() for name in names)
    wanted = names if provider == QUICKBOOKS else names[:1]
    problems = [
        f"{name} is not set; the provider shows it where the application is registered"
        for name in wanted
        if not os.environ.get(name, "").strip()
    ]
    problems += [
        f"{name} holds characters that are not plain ASCII"
        for name, value in zip(names, (client_id, secret), strict=True)
        if not re.fullmatch("[!-~]*", value)
    ]
    if problems:
        raise SettingsInvalid(tuple(problems))
    return ClientCredentials(client_id, secret or None)
