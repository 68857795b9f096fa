"""Customers whose values must not be found where they do not belong, and the search for them in every form.

What is searched is decoded first where programs encode: tables of SQLite and DuckDB are
read out, and what zlib packed is unpacked, as Dagster packs what it keeps of jobs.
"""

import base64
import json
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from urllib.parse import quote

import duckdb
import sqlalchemy as sa
from dagster._utils.error import serializable_error_info_from_exc_info
from sqlalchemy.engine import Engine

from etl_customers.columns.field_changes import add_custom_field, add_property_field, add_property_type
from etl_customers.database.connect import reading, writing
from schemas.columns import FieldType

PASSWORDS = ("Kanarien-Pässwort-1", "Canary-pass-2")
PERSONAL = (
    "Canaryfïrst",
    "Canarylast",
    "Canary.Mail@example.com",
    "0491 573 087",
    "491573087",
    "Canarystreet",
    "Canarystate",
    "Canaryloyalty",
    "Canarypet",
)
WORDS = PASSWORDS + PERSONAL
FILE = (
    "first_name,last_name,email,mobile,password,street_address,state,city,date_joined,Loyalty,Pet: Name\n"
    "Canaryfïrst,Canarylast,Canary.Mail@example.com,0491 573 087,Kanarien-Pässwort-1,Canarystreet 1,NSW,Sydney,"
    "2020/01/31,Canaryloyalty,Canarypet\n"
    "Canaryfïrst,Canarylast,canary.mail@example.com,,Canary-pass-2,Canarystreet 2,NSW,Sydney,,Canaryloyalty,\n"
    "Canaryfïrst,,<Canary.Mail@example.com,0491 573 087 999 999,Canary-pass-2,Canarystreet 3,Canarystate,,"
    "31/01/2020 Canarylast,Canaryloyalty,Canarypet\n"
    "Noah,Example,noah@example.com,,,Canarystreet 4,NSW,Sydney,,,\n"
)
"""A row that is loaded, one that is in the file before, one that breaks rules, and one that is loaded without password."""
QUOTED = " ".join(WORDS)
"""What a library's message is made of."""

OWN_TABLES = frozenset({"customers", "identity_keys", "properties", "customer_changes", "provider_customers"})
"""Tables of the target that hold customers' values, because they are what the target is for."""


def add_fields(target: Engine) -> None:
    """Add the custom field and the property of the file to an account."""
    with writing(target) as connection:
        add_custom_field(connection, "Loyalty", FieldType.TEXT)
        add_property_type(connection, "Pet")
        add_property_field(connection, "pet", "Name", FieldType.TEXT)


@cache
def forms_of(word: str) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """Return the bytes that a text may be written as: encodings and escapes in lower case, then base64 as it is."""
    plain: set[bytes] = set()
    packed: set[bytes] = set()
    for text in {word, word.lower()}:
        escaped = {json.dumps(text)[1:-1], json.dumps(json.dumps(text))[3:-3], ascii(text)[1:-1], quote(text)}
        plain |= {form.encode().lower() for form in {text, *escaped}}
        # Without its first byte it is UTF-16 of the other order, too.
        plain |= {text.encode("utf-16-le")[1:-1].lower(), text.encode("latin-1").lower()}
        packed |= set(_base64_of(text.encode()))
    return frozenset(plain), frozenset(packed)


def _base64_of(raw: bytes) -> Iterator[bytes]:
    """Yield how a text looks inside of a longer one, without the characters that its neighbours decide on."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        yield encoded[(offset * 8 + 5) // 6 : (offset + len(raw)) * 8 // 6]


def words_in(content: str | bytes, words: Iterable[str] = WORDS) -> list[str]:
    """Return the words that a text holds in any form, in any case."""
    raw = content.encode(errors="surrogatepass") if isinstance(content, str) else content
    lowered = raw.lower()

    def is_in(word: str) -> bool:
        plain, packed = forms_of(word)
        return any(form in lowered for form in plain) or any(form in raw for form in packed)

    return [word for word in words if is_in(word)]


def found_in(folder: Path, words: Iterable[str] = WORDS) -> dict[str, list[str]]:
    """Return each file below a folder whose bytes, decoded content or name hold a word, with these words."""
    found = {}
    wanted = tuple(words)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        if hits := words_in(b"\n".join([name.encode(), *_contents(path)]), wanted):
            found[name] = hits
    return found


def _contents(path: Path) -> Iterator[bytes]:
    raw = path.read_bytes()
    yield raw
    if raw.startswith(b"SQLite format 3\0"):
        with closing(sqlite3.connect(path)) as database:
            names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
            for name in names:
                yield from _values(database.execute(f'select * from "{name}"'))
    elif path.suffix == ".duckdb":
        yield from _duckdb_values(path)


def _duckdb_values(path: Path) -> Iterator[bytes]:
    """Yield what the tables hold: in the file itself texts are compressed."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(path, folder)
        if (log := path.with_name(f"{path.name}.wal")).exists():
            shutil.copy(log, folder)
        with duckdb.connect(copy, config={"threads": 1}) as database:
            names = [name for (name,) in database.execute("select table_name from duckdb_tables()").fetchall()]
            for name in names:
                yield from _values(database.execute(f'from "{name}"').fetchall())


def _values(rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    for row in rows:
        for value in row:
            if isinstance(value, bytes):
                yield value
                yield _unpacked(value)
            elif value is not None:
                yield str(value).encode(errors="surrogatepass")


def _unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return b""


def described(error: BaseException) -> str:
    """Return what Dagster keeps of an error: its text, and those of the errors behind it."""
    assert error.__traceback__ is not None
    return serializable_error_info_from_exc_info((type(error), error, error.__traceback__)).to_string()


def found_in_tables(target: Engine, words: Iterable[str] = PERSONAL) -> dict[str, list[str]]:
    """Return the target's tables that hold a word, and what other sessions of PostgreSQL last asked for."""
    found = {}
    with reading(target) as connection:
        names = sa.inspect(connection).get_table_names()
        queries = {name: f'select * from "{name}"' for name in names}
        if target.dialect.name == "postgresql":
            queries["pg_stat_activity"] = "select * from pg_stat_activity where pid <> pg_backend_pid()"
        for name, query in queries.items():
            rows = connection.exec_driver_sql(query)
            if hits := words_in(b"\n".join(_values(tuple(row) for row in rows)), words):
                found[name] = hits
    return found
