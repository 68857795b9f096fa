"""Passwords: hashed at the cost that is asked for, with all cores, and never kept."""

import os
import re
import threading
from collections.abc import Iterator

import pytest

from etl_customers.load.passwords import hash_passwords, verify_password
from etl_customers.settings.sections import Passwords

COST = Passwords()


def test_a_hash_is_argon2id_at_the_cost_of_the_settings() -> None:
    hashes = hash_passwords([(2, "correct horse")], Passwords(memory_kib=20_000, iterations=3, parallelism=2))

    assert re.fullmatch(r"\$argon2id\$v=19\$m=20000,t=3,p=2\$[\w+/]{22}\$[\w+/]{43}", hashes[2])


def test_the_least_cost_is_what_owasp_asks_for() -> None:
    assert hash_passwords([(2, "x")], COST)[2].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(
    "text",
    ["correct horse", "Pässwörd ✓ 密码", "é", " ", "a\0b", "𝒳" * 1024, "x" * 1024],
)
def test_a_password_is_known_by_its_hash_and_another_is_not(text: str) -> None:
    password_hash = hash_passwords([(2, text)], COST)[2]

    assert verify_password(password_hash, text)
    assert not verify_password(password_hash, text + "x")


def test_the_same_password_has_another_hash_in_every_row() -> None:
    hashes = hash_passwords([(row, "same") for row in range(2, 6)], COST)

    assert len(set(hashes.values())) == 4


def test_each_hash_stays_with_its_row_and_progress_counts_up_to_all() -> None:
    seen: list[int] = []

    hashes = hash_passwords(((row, f"password {row}") for row in range(2, 22)), COST, seen.append)

    assert seen == list(range(1, 21))
    assert set(hashes) == set(range(2, 22))
    assert verify_password(hashes[13], "password 13")


def test_no_passwords_need_no_time() -> None:
    assert hash_passwords([], COST) == {}


def test_plain_texts_are_taken_as_they_are_needed() -> None:
    taken, hashed, most = 0, 0, 0

    def passwords() -> Iterator[tuple[int, str]]:
        nonlocal taken, most
        for row in range(8 * (os.cpu_count() or 1)):
            taken += 1
            most = max(most, taken - hashed)
            yield row, f"password {row}"

    def count(done: int) -> None:
        nonlocal hashed
        hashed = done

    hash_passwords(passwords(), COST, count)

    assert most <= 4 * (os.cpu_count() or 1) + 1


def test_an_error_of_the_source_comes_out_and_leaves_no_thread() -> None:
    def passwords() -> Iterator[tuple[int, str]]:
        yield 2, "x"
        raise OSError("the upload is gone")

    with pytest.raises(OSError, match="gone"):
        hash_passwords(passwords(), COST)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("argon2")]
