"""The key of stored tokens, and what it encrypts: the token set of a connection.

The key is the environment's (``ETL_CUSTOMERS_SECRET_KEY``), else the home's ``secret.key``,
which the first ``connect`` makes. Where the encrypted text is kept is not said here.
"""

import base64
import binascii
import json
import os
import stat
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from etl_customers.base.errors import DiskUnavailable, UsageError
from etl_customers.base.private_files import write_private
from etl_customers.settings.environment import SECRET_KEY_VARIABLE, secret_keys
from etl_customers.settings.home import Home

_KEY_BYTES = 32
_MOST_BYTES = 4096


class SecretKeyUnusable(UsageError):
    """The key of stored tokens is missing, wrong, or readable by others."""


@dataclass(frozen=True)
class TokenSet:
    """What a provider gave for a connection; shown without the tokens. Times are UTC."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    received_at: datetime
    expires_at: datetime
    """Of the access token."""
    refresh_expires_at: datetime
    """Of the refresh token, unless it is used."""
    hard_expires_at: datetime | None = None
    """When the connection ends whatever is done; None: the provider does not say."""


class Vault:
    """Encrypts and decrypts token sets (Fernet: AES-128-CBC with HMAC-SHA256)."""

    def __init__(self, keys: list[bytes], origin: str) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._origin = origin

    def encrypt(self, tokens: TokenSet) -> str:
        """Return a token set as text that only a holder of the key can read; the first key encrypts."""
        record = {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token} | {
            name: time.isoformat() for name in _TIMES if (time := getattr(tokens, name)) is not None
        }
        return self._fernet.encrypt(json.dumps(record).encode()).decode()

    def decrypt(self, text: str, connection: str) -> TokenSet:
        """Return the token set that ``encrypt`` made this text of.

        Args:
            text: As it is stored.
            connection: As the message names it.

        Raises:
            SecretKeyUnusable: It was encrypted with another key.
        """
        try:
            record = json.loads(self._fernet.decrypt(text.encode()))
        except InvalidToken:
            raise SecretKeyUnusable(
                f"the token of {connection} was not encrypted with the key in {self._origin}; put the right key back, "
                "or connect again: etl-customers connect"
            ) from None
        times = {name: datetime.fromisoformat(record[name]) for name in _TIMES if name in record}
        return TokenSet(record["access_token"], record["refresh_token"], **times)


_TIMES = ("received_at", "expires_at", "refresh_expires_at", "hard_expires_at")


def open_vault(home: Home, *, create: bool = False) -> Vault:
    """Return the vault of a home.

    Args:
        home: Whose ``secret.key`` is taken where the environment has no key.
        create: Make ``secret.key`` where there is no key at all.

    Raises:
        SecretKeyUnusable: The key is missing, is no key, or the file can be read by others.
        DiskUnavailable: The file cannot be read or made.
    """
    given = secret_keys()
    if given is not None:
        return Vault(_parse(given, SECRET_KEY_VARIABLE), SECRET_KEY_VARIABLE)
    path = home.secret_key
    text = _read(path)
    if text is None and create:
        _make(path)
        text = _read(path)
    if text is None:
        raise SecretKeyUnusable(
            f"the key of stored tokens is missing: put {path} back or set {SECRET_KEY_VARIABLE}; "
            "if it is lost, connect again: etl-customers connect"
        )
    return Vault(_parse(text, str(path)), str(path))


def _parse(text: str, origin: str) -> list[bytes]:
    """Return the keys of a text; base64 of either alphabet, as ``openssl rand -base64 32`` prints it."""
    keys = [part.strip().replace("+", "-").replace("/", "_").encode() for part in text.split(",") if part.strip()]
    if not keys or not all(_is_key(key) for key in keys):
        raise SecretKeyUnusable(
            f"{origin} must hold 32 random bytes in base64, or several such keys separated by commas; "
            "to make a new one, run: openssl rand -base64 32"
        )
    return keys


def _is_key(key: bytes) -> bool:
    try:
        return len(base64.b64decode(key, altchars=b"-_", validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be read") from None
    if mode & 0o077:
        raise SecretKeyUnusable(
            f"{path} can be read by others (mode {mode:04o}), and with it the stored tokens; run: chmod 600 {path}; "
            "if others may have read it, connect again"
        )
    return content.decode("ascii", errors="replace")


def _make(path: Path) -> None:
    """Make the file whole or not at all; of several processes that do so, one wins and the others read its key."""
    try:
        write_private(path, Fernet.generate_key() + b"\n", replaces=False)
    except FileExistsError:
        pass
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be made") from None
