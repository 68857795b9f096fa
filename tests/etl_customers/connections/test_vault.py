"""The key of stored tokens: made once, for the owner alone, and what it encrypts."""

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet

from etl_customers.connections.vault import SecretKeyUnusable, TokenSet, open_vault
from etl_customers.settings.environment import SECRET_KEY_VARIABLE
from etl_customers.settings.home import Home

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
TOKENS = TokenSet("access-canary", "refresh-canary", NOW, NOW, NOW)


def test_the_first_connect_makes_a_key_that_only_its_owner_can_read(home: Home) -> None:
    text = open_vault(home, create=True).encrypt(TOKENS)
    assert stat.S_IMODE(home.secret_key.stat().st_mode) == 0o600
    assert "canary" not in text
    assert open_vault(home).decrypt(text, "") == TOKENS


def test_of_several_who_make_the_key_all_get_the_same(home: Home) -> None:
    with ThreadPoolExecutor(8) as pool:
        vaults = list(pool.map(lambda _: open_vault(home, create=True), range(8)))
    assert {vaults[-1].decrypt(vault.encrypt(TOKENS), "").access_token for vault in vaults} == {"access-canary"}
    assert [path.name for path in home.path.glob("*secret*")] == ["secret.key"]


def test_a_key_that_others_can_read_is_refused_with_what_to_do(home: Home) -> None:
    open_vault(home, create=True)
    home.secret_key.chmod(0o640)
    with pytest.raises(SecretKeyUnusable, match=r"mode 0640.*chmod 600"):
        open_vault(home)


def test_a_missing_key_is_not_made_anew_where_tokens_are_to_be_read(home: Home) -> None:
    with pytest.raises(SecretKeyUnusable, match="missing"):
        open_vault(home)
    assert not home.secret_key.exists()


def test_another_key_is_an_error_that_names_the_connection_and_no_value(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = open_vault(home, create=True).encrypt(TOKENS)
    monkeypatch.setenv(SECRET_KEY_VARIABLE, Fernet.generate_key().decode())
    with pytest.raises(SecretKeyUnusable, match="the token of Xero 42 was not encrypted with the key in") as refused:
        open_vault(home).decrypt(text, "Xero 42")
    assert text not in str(refused.value)


def test_the_environments_first_key_encrypts_and_all_of_them_decrypt(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    monkeypatch.setenv(SECRET_KEY_VARIABLE, old)
    before = open_vault(home, create=True).encrypt(TOKENS)
    monkeypatch.setenv(SECRET_KEY_VARIABLE, f"{new}, {old}")
    after = open_vault(home).encrypt(TOKENS)
    assert open_vault(home).decrypt(before, "") == TOKENS
    monkeypatch.setenv(SECRET_KEY_VARIABLE, new)
    assert open_vault(home).decrypt(after, "") == TOKENS
    assert not home.secret_key.exists()


def test_a_key_may_be_written_in_the_other_base64_alphabet(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_KEY_VARIABLE, "+/" * 21 + "8=")
    text = open_vault(home).encrypt(TOKENS)
    monkeypatch.setenv(SECRET_KEY_VARIABLE, "-_" * 21 + "8=")
    assert open_vault(home).decrypt(text, "") == TOKENS


@pytest.mark.parametrize("key", ["password", "ü" * 44, "A" * 43, ",", "A" * 44 + "=="])
def test_what_is_no_key_is_refused_without_repeating_it(home: Home, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(SECRET_KEY_VARIABLE, key)
    with pytest.raises(SecretKeyUnusable, match="32 random bytes") as refused:
        open_vault(home)
    assert len(key) == 1 or key not in str(refused.value)


def test_a_token_set_is_shown_without_its_tokens() -> None:
    assert "canary" not in repr(TOKENS)
