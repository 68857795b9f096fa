"""Turns the texts of a chunk of rows into candidates: the values as which they would be loaded.

Nothing is decided here: a text that could not be read leaves null beside it, and what a row must be
is said by ``schemas.normalised_customers``. Texts are trimmed, read by the libraries that know
(phones, e-mails, places) and given their defaults. Lookups are made on distinct values, not row by row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import polars as pl

from etl_customers.settings.sections import Company
from etl_customers.texts.error_values import error_value
from etl_customers.validate.emails import read_emails
from etl_customers.validate.phones import read_phones
from etl_customers.validate.places import Places
from etl_customers.validate.source_rules import SourceRules
from schemas.codes import LEFT_OUT
from schemas.columns import COLUMNS, CUSTOMER_TYPES, IDENTITY_COLUMNS, TITLES, Kind
from schemas.normalised_customers import LEAVABLE, TEXT_COLUMNS

_PHONE_COLUMNS = (*IDENTITY_COLUMNS["mobile"], *IDENTITY_COLUMNS["phone"])
_EMAIL_COLUMNS = IDENTITY_COLUMNS["email"]


@dataclass
class Normalised:
    """A chunk of rows after normalisation.

    ``frame`` has the columns of ``schemas.normalised_customers``; ``texts`` the trimmed
    texts under the same names, for suggestions; ``warnings`` a flag column
    ``column:code`` per default that was filled in. All have the same rows in the same order.
    """

    frame: pl.DataFrame
    texts: pl.DataFrame
    warnings: dict[str, pl.Series] = field(default_factory=dict)


def normalise_rows(
    raw: pl.DataFrame, positions: dict[str, str], company: Company, places: Places, rules: SourceRules
) -> Normalised:
    """Read the fixed columns of a chunk.

    Args:
        raw: Rows of the staging table ``raw_csv``: row, parent_row, password_state, cells.
        positions: Customer column to the cell column that holds it, such as ``email`` to
            ``c9``; a column that the upload lacks is missing here and null everywhere.
        company: Its country and city fill what a row leaves open (R10, R12).
        places: Reference lists of countries, states and cities.
        rules: Of the source; what it leaves out has the warning ``left_out``.
    """
    texts = trimmed_texts(raw, {c.name: positions.get(c.name) for c in COLUMNS if c.kind is not Kind.PASSWORD})
    values = {column.name: texts[column.name] for column in COLUMNS if column.kind is Kind.TEXT}
    done = Normalised(texts=texts, frame=raw.select("row"))
    _read_choices(texts, values, done.warnings)
    _read_places(texts, values, company, places, done.warnings, rules)
    _read_contacts(texts, values, company.country, done.warnings, rules)
    values["date_joined"] = read_dates(texts["date_joined"])
    if rules.leaves_out:
        left_out = {f"{name}:{LEFT_OUT}": unread(texts[name], values[name]) for name in LEAVABLE}
        for family, code in (("email", "mixed_scripts"), ("mobile", "unassigned_phone"), ("phone", "unassigned_phone")):
            _close_gaps(IDENTITY_COLUMNS[family], code, values, done.warnings)
        done.warnings |= left_out
    done.frame = raw.select("row", "parent_row", pl.col("password_state").alias("password")).with_columns(
        **values, **{f"{name}:text": texts[name] for name in TEXT_COLUMNS}
    )
    return done


def trimmed_texts(raw: pl.DataFrame, cells: dict[str, str | None]) -> pl.DataFrame:
    """Return the named cells without white space around them, null where nothing is left."""
    trimmed = {
        name: pl.lit(None, pl.String) if cell is None else pl.col(cell).str.strip_chars()
        for name, cell in cells.items()
    }
    return raw.select(pl.lit(0).alias("_"), **{n: pl.when(e != "").then(e) for n, e in trimmed.items()}).drop("_")


def map_distinct(texts: pl.Series, read: Callable[[str], object], dtype: type[pl.DataType]) -> pl.Series:
    """Apply ``read`` once to each distinct text; null stays null and None becomes null."""
    distinct = texts.drop_nulls().unique()
    answers = pl.Series([read(text) for text in distinct], dtype=dtype)
    return texts.replace_strict(distinct, answers, default=None, return_dtype=dtype)


def unread(texts: pl.Series, values: pl.Series) -> pl.Series:
    """Return true where there is a text but no value: it could not be read."""
    return texts.is_not_null() & values.is_null()


def read_dates(texts: pl.Series) -> pl.Series:
    """Read ``YYYY/MM/DD`` in ASCII digits, years 0001 to 9999; anything else is null (R7)."""
    well_formed = texts.str.contains(r"^[0-9]{4}/[0-9]{2}/[0-9]{2}$") & (texts.str.slice(0, 4) != "0000")
    return pl.select(pl.when(well_formed).then(texts).str.to_date("%Y/%m/%d", strict=False)).to_series()


def _read_choices(texts: pl.DataFrame, values: dict[str, pl.Series], warnings: dict[str, pl.Series]) -> None:
    """Title and customer type, and the type's default (R6, R8)."""
    titles = {title.casefold(): title for title in TITLES}
    types = {kind.casefold(): kind for kind in CUSTOMER_TYPES}
    title, kind, business = texts["customer_title"], texts["customer_type"], texts["business_name"]
    values["customer_title"] = map_distinct(
        title, lambda text: titles.get(text.casefold().removesuffix(".")), pl.String
    )
    read_type = map_distinct(kind, lambda text: types.get(text.casefold()), pl.String)
    default = pl.select(
        pl.when(business.is_not_null()).then(pl.lit("Business")).otherwise(pl.lit("Personal"))
    ).to_series()
    values["customer_type"] = pl.select(pl.when(kind.is_null()).then(default).otherwise(read_type)).to_series()
    warnings["customer_type:customer_type_defaulted"] = kind.is_null()


def _read_places(
    texts: pl.DataFrame,
    values: dict[str, pl.Series],
    company: Company,
    places: Places,
    warnings: dict[str, pl.Series],
    rules: SourceRules,
) -> None:
    """Country, state and city with their defaults (R10, R12); a country that is left out has no default."""
    country_text, state_text, city_text = texts["country"], texts["state"], texts["city"]
    # Without its signs an error value may be a code: #N/A is not Namibia, #NV not Nevada.
    read_country = map_distinct(
        country_text, lambda text: None if error_value(text) else places.read_country(text), pl.String
    )
    # Books have customers abroad: there a country that nobody has set, or said, is taken for none.
    default = company.country if company.has_country or not rules.is_pull else None
    country = pl.select(
        pl.when(country_text.is_null()).then(pl.lit(default, pl.String)).otherwise(read_country)
    ).to_series()
    pairs = pl.DataFrame({"country": country, "state": state_text})
    known = [
        (code, text, None if error_value(text) else places.read_state(text, code) if places.has_states(code) else text)
        for code, text in pairs.drop_nulls().unique().iter_rows()
    ]
    read = pl.DataFrame(known, schema={"country": pl.String, "state": pl.String, "name": pl.String}, orient="row")
    name = pairs.join(read, on=["country", "state"], how="left", maintain_order="left")["name"]
    is_elsewhere = country_text.is_null() & unread(state_text, name) & pl.Series([rules.is_pull])
    country = pl.select(pl.when(~is_elsewhere).then(country)).to_series()
    by_state = pl.DataFrame({"country": country, "name": name, "city": city_text})
    wanting = by_state.filter(pl.col("city").is_null()).select("country", "name").drop_nulls().unique()
    cities = [(code, state, places.first_city(code, state)) for code, state in wanting.iter_rows()]
    first = pl.DataFrame(cities, schema={"country": pl.String, "name": pl.String, "first": pl.String}, orient="row")
    first_city = by_state.join(first, on=["country", "name"], how="left", maintain_order="left")["first"]
    # What was written and could not be read is not "none": the company's city would be invented.
    of_company = state_text.is_null() & country.is_not_null() & pl.Series([company.city is not None])
    values["country"], values["state"] = country, name
    values["city"] = pl.select(
        pl.coalesce(city_text, first_city, pl.when(of_company).then(pl.lit(company.city, pl.String)))
    ).to_series()
    warnings["city:city_defaulted"] = city_text.is_null() & first_city.is_not_null()
    warnings["city:city_defaulted_to_company"] = city_text.is_null() & of_company
    warnings["country:country_defaulted"] = country_text.is_null() & country.is_not_null()


def _read_contacts(
    texts: pl.DataFrame,
    values: dict[str, pl.Series],
    company_country: str,
    warnings: dict[str, pl.Series],
    rules: SourceRules,
) -> None:
    """E-mails and numbers; all slots in one go, because people repeat themselves (R11)."""
    height = texts.height
    is_country_unknown = values["country"].is_null()
    is_assumed = texts["country"].is_null() & pl.Series([rules.is_pull])
    emails = read_emails(pl.concat([texts[name].rename("text") for name in _EMAIL_COLUMNS]))
    for slot, name in enumerate(_EMAIL_COLUMNS):
        read = emails.slice(slot * height, height)
        values[name] = read["email"].rename(name)
        warnings[f"{name}:mixed_scripts"] = read["is_mixed"].fill_null(False)
    regions = values["country"].fill_null(company_country).rename("region")
    numbers = read_phones(
        pl.concat([texts[name].rename("text") for name in _PHONE_COLUMNS]), pl.concat([regions] * len(_PHONE_COLUMNS))
    )
    for slot, name in enumerate(_PHONE_COLUMNS):
        read = numbers.slice(slot * height, height)
        # A national number of an unknown country cannot be read before the country is corrected.
        is_whole = texts[name].str.starts_with("+").fill_null(False)
        is_readable = ~is_country_unknown | is_whole
        # Of a country that was only assumed, a number of no range there may well be a good one of another.
        is_doubtful = is_assumed & ~is_whole & ~read["is_assigned"].fill_null(True)
        values[name] = pl.select(pl.when(is_readable & ~is_doubtful).then(read["e164"])).to_series().rename(name)
        warnings[f"{name}:unassigned_phone"] = values[name].is_not_null() & ~read["is_assigned"].fill_null(True)


def _close_gaps(
    names: tuple[str, ...], code: str, values: dict[str, pl.Series], warnings: dict[str, pl.Series]
) -> None:
    """Move values up into columns of their family from which one was left out, each with its warning."""
    slots = [pl.DataFrame({"value": values[name], "is_warned": warnings[f"{name}:{code}"]}) for name in names]
    frame = pl.DataFrame({name: slot.to_struct() for name, slot in zip(names, slots, strict=True)})
    gaps = [values[left].is_null() & values[right].is_not_null() for left, right in pairwise(names)]
    if not any(gap.any() for gap in gaps):
        return
    filled = pl.concat_list(names).list.eval(pl.element().filter(pl.element().struct.field("value").is_not_null()))
    for slot, name in enumerate(names):
        moved = frame.select(filled.list.get(slot, null_on_oob=True)).to_series().struct
        values[name] = moved.field("value").rename(name)
        warnings[f"{name}:{code}"] = moved.field("is_warned").fill_null(False)
