"""The import by pandas as most people write it: texts, a Pandera schema checked lazily, then ``to_sql``.

``to_sql`` in its default way, chunks of 10,000 (``method="multi"`` took seven times as long), into a table with a primary key.

    python -m benchmarks.peers.pandas_pandera.load customers.csv postgresql+psycopg://…
"""

import sys
import time
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import sqlalchemy as sa

from benchmarks.peers.rules import DATE_FORMAT, EMAILS, MAX_LENGTHS, NUMBERS, read_phone, read_title, read_type
from benchmarks.run_report import tell
from schemas.columns import CUSTOMER_TYPES, TITLES

_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s.]+$"
_REQUIRED = ("first_name", "last_name", "city")
_CHECKS = {
    "customer_title": [pa.Check.isin(TITLES)],
    "customer_type": [pa.Check.isin(CUSTOMER_TYPES)],
    **{name: [pa.Check.str_matches(_EMAIL)] for name in EMAILS},
    **{name: [pa.Check.str_matches(r"^\+\d+$")] for name in NUMBERS},
}
_SCHEMA = pa.DataFrameSchema(
    {
        name: pa.Column(
            checks=[*_CHECKS.get(name, []), pa.Check.str_length(max_value=length)],
            nullable=name not in _REQUIRED,
        )
        for name, length in MAX_LENGTHS.items()
        if name != "date_joined"
    }
    | {"date_joined": pa.Column(nullable=True), "is_no_date": pa.Column(bool, pa.Check.eq(False))},
    checks=[
        pa.Check(
            lambda frame: (frame["customer_type"] != "Business") | frame["business_name"].notna(),
            ignore_na=False,
            error="business_name_missing",
        ),
    ],
    strict=True,
)


def main() -> None:
    """Import the file given first into the database given second; print counts, seconds and memory."""
    engine = sa.create_engine(sys.argv[2])
    _make_table(engine)
    started = time.perf_counter()
    customers = _read(Path(sys.argv[1]))
    failed = _failed_rows(customers)
    loaded = customers.drop(index=failed, columns="is_no_date")
    with engine.begin() as connection:
        loaded.to_sql("customers", connection, if_exists="append", index=False, chunksize=10_000)
    seconds = time.perf_counter() - started
    engine.dispose()
    counts = {"read": len(customers), "loaded": len(loaded), "failed": len(failed)}
    tell(counts, {"import": seconds}, f"pandas {version('pandas')}, Pandera {version('pandera')}")


def _read(path: Path) -> pd.DataFrame:
    """Return the rows with normalised values; what cannot be read stays as it is, for the schema to find."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame = frame[[name for name in frame.columns if name in MAX_LENGTHS]]
    frame = frame.apply(lambda column: column.str.strip())
    frame["customer_title"] = frame["customer_title"].map(lambda text: read_title(text) or text)
    types = zip(frame["customer_type"], frame["business_name"], strict=True)
    frame["customer_type"] = [read_type(text, name) or text for text, name in types]
    for name in NUMBERS:
        frame[name] = frame[name].map(lambda text: (read_phone(text) or text) if text else text)
    frame["city"] = frame["city"].where(frame["city"] != "", frame["state"])
    dates = pd.to_datetime(frame["date_joined"], format=DATE_FORMAT, errors="coerce")
    frame["is_no_date"] = dates.isna() & (frame["date_joined"] != "")
    frame["date_joined"] = dates.dt.date
    return frame.replace("", None)


def _failed_rows(frame: pd.DataFrame) -> pd.Index:
    try:
        _SCHEMA.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return pd.Index(errors.failure_cases["index"].dropna().astype(int).unique())
    return pd.Index([])


def _make_table(engine: sa.Engine) -> None:
    columns = (sa.Column(name, sa.Date() if name == "date_joined" else sa.Text()) for name in MAX_LENGTHS)
    metadata = sa.MetaData()
    sa.Table("customers", metadata, sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True), *columns)
    metadata.create_all(engine)


if __name__ == "__main__":
    main()
