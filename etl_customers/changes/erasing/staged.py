"""Looking for a person's rows in an import's staging file."""

import re
import unicodedata
from typing import Any

from etl_customers.changes.erasing.person import FEWEST_DIGITS, IDENTIFYING, Person
from etl_customers.staging import Staging
from etl_customers.texts.invisible import INVISIBLE
from schemas.codes import ALREADY_EXISTS

_CELL = re.compile(r"c[0-9]+")
_ROWS = '(select raw_csv.*, beyond.cells as overflow from raw_csv left join overflowing_cells as beyond using ("row"))'
_CELLS = "select column_name from information_schema.columns where table_name = 'raw_csv'"


def learn_from_origin(staging: Staging, row: int, person: Person) -> None:
    """Let the person be known by what the row held that the customer was made of; the target may have forgotten it.

    Other rows are not learned from: one address may stand in the rows of many people, whose
    names must not be looked for.
    """
    names = ", ".join(IDENTIFYING)
    for values in staging.rows(f'select {names} from validated_customers where "row" = ?', [row]):  # noqa: S608
        person.learn(dict(zip(IDENTIFYING, values, strict=True)))
    person.keys.update(staging.rows('select kind, value from customer_keys where "row" = ?', [row]))


def find_rows(staging: Staging, import_id: str, person: Person) -> set[int]:
    """Return the rows of an import that are the person's, by keys, by cells and by the rows they correct."""
    if not staging.number("select count(*) from facts where name = 'rows_read'"):
        return set()
    found = _rows_by_keys(staging, person) | _rows_by_cells(staging, person)
    parent = staging.rows("select text from facts where name = 'parent_import_id' and text is not null")
    corrected = person.rows.get(parent[0][0], set()) if parent else set()
    query = 'select "row" from raw_csv where "row" in (select unnest(?::bigint[]))'
    known = staging.rows(query, [sorted(person.rows.get(import_id, set()))])
    query = 'select "row" from raw_csv where parent_row in (select unnest(?::bigint[]))'
    return found | {row for (row,) in [*known, *staging.rows(query, [sorted(corrected)])]}


def _rows_by_keys(staging: Staging, person: Person) -> set[int]:
    matched = 'select "row" from row_errors where code = ? and reference = ?'
    found = {row for (row,) in staging.rows(matched, [ALREADY_EXISTS, str(person.customer_id)])}
    for kind, value in person.keys:
        query = 'select "row" from customer_keys where kind = ? and value = ?'
        found.update(row for (row,) in staging.rows(query, [kind, value]))
    return found


def _rows_by_cells(staging: Staging, person: Person) -> set[int]:
    """Let DuckDB find the rows that may be the person's, and look at those closely."""
    cells = [name for (name,) in staging.rows(_CELLS) if _CELL.fullmatch(name)]
    conditions, values = _conditions(person)
    if not cells or not conditions:
        return set()
    # The one letter of names that folds to others than its small one.
    whole = f"concat_ws(chr(10), {', '.join(cells)}, array_to_string(overflow, chr(10)))"
    seen = f"regexp_replace({whole}, '{INVISIBLE}', '', 'g')"
    text = f"replace(nfc_normalize(lower({seen})), 'ß', 'ss')"
    query = (
        f'select "row", overflow, {", ".join(cells)} from (select *, {text} as folded, '  # noqa: S608 - c0, c1 …
        f"regexp_replace({text}, '[^0-9]', '', 'g') as digits from {_ROWS}) where {' or '.join(conditions)}"
    )
    return {
        row
        for row, overflow, *texts in staging.rows(query, values)
        if person.is_in(text for text in (*texts, *(overflow or ())) if text is not None)
    }


def _conditions(person: Person) -> tuple[list[str], list[Any]]:
    conditions, values = [], []
    for email in person.emails:
        conditions.append("contains(folded, ?)")
        values.append(unicodedata.normalize("NFC", re.sub(INVISIBLE, "", email)))
    for number in person.numbers:
        conditions.append("contains(digits, ?)")
        values.append(number[-FEWEST_DIGITS:])
    for name in person.names:
        # Spaces within a name may be others in the cell; a word of each part is in it in any case.
        words = [unicodedata.normalize("NFC", part.split()[0]) for part in name]
        plain = [word for word in words if word.isascii()]
        conditions.append("(" + " and ".join(["contains(folded, ?)"] * len(plain) or ["true"]) + ")")
        values += plain
    return conditions, values
