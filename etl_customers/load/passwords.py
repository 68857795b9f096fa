"""Hashing passwords with argon2id on all cores, and checking one against its hash."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from passlib.hash import argon2

from etl_customers.settings.sections import Passwords

_WAITING_PER_CORE = 4


def hash_passwords(
    passwords: Iterable[tuple[int, str]], cost: Passwords, progress: Callable[[int], None] | None = None
) -> dict[int, str]:
    """Hash each password under a salt of its own; threads do, as argon2 lets other threads run.

    Plain texts are taken from the iterable as they are needed, a few per core at a time,
    and are not kept.

    Args:
        passwords: Row and plain text; any Unicode but lone surrogates, at most 1,024 characters.
        cost: OWASP's minimum or more.
        progress: Called after each hash with the number of those done.

    Returns:
        Row to hash, in the form ``$argon2id$v=19$m=19456,t=2,p=1$…``.

    Source:
        OWASP Password Storage Cheat Sheet; docs/rules.md, R5.
    """
    hash_one = _hasher(cost)
    hashes: dict[int, str] = {}
    waiting: dict[Future[str], int] = {}
    cores = _count_cores()

    def collect(done: Iterable[Future[str]]) -> None:
        for future in done:
            hashes[waiting.pop(future)] = future.result()
            if progress is not None:
                progress(len(hashes))

    with ThreadPoolExecutor(cores, thread_name_prefix="argon2") as pool:
        for row, text in passwords:
            waiting[pool.submit(hash_one, text)] = row
            if len(waiting) >= cores * _WAITING_PER_CORE:
                collect(wait(waiting, return_when=FIRST_COMPLETED).done)
        collect(wait(waiting).done)
    return hashes


def verify_password(password_hash: str, text: str) -> bool:
    """Return whether ``text`` is the password that the hash was made of."""
    return bool(argon2.verify(text, password_hash))


def _hasher(cost: Passwords) -> Callable[[str], str]:
    # passlib replaces a handler's hash when it loads its backend; one that is bound before
    # would load it again and again, under a lock.
    argon2.set_backend("argon2_cffi")
    handler = argon2.using(
        type="ID", memory_cost=cost.memory_kib, time_cost=cost.iterations, parallelism=cost.parallelism
    )
    hash_one: Callable[[str], str] = handler.hash
    return hash_one


def _count_cores() -> int:
    """Return the cores that this process may use, which in a container are fewer than the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
