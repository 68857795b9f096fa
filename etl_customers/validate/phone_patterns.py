"""Reading plainly written phone numbers all at once, by the metadata that phonenumbers itself works with.

Each step repeats what ``phonenumbers.parse`` and ``is_valid_number`` do and decides only
what leaves no choice; every number it leaves open is read by ``phonenumbers`` (see
``etl_customers.validate.phones``). The test of this module compares the two for every region.
"""

from collections.abc import Iterator
from functools import cache

import polars as pl
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc

DECIMAL = r"^\s*\+?[0-9]{5,}\.[0-9]{1,2}\s*$"
"""A number that went through a floating-point column (412345678.0): its last digits are none."""

_PLAIN = r"^\+?\(?[0-9][0-9 ().\-]{2,38}$"
"""ASCII digits and plain punctuation, nothing in which an extension or a second number could hide."""

_LEFT_OUT = frozenset({"IL", "CO"})
"""Their prefix rules have misled pattern readers before; phonenumbers reads them alone."""

_GEOGRAPHIC = {
    code: regions
    for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()
    if regions[0] != "001" and not _LEFT_OUT.intersection(regions)
}
_CALLING_CODE = f"^({'|'.join(str(code) for code in sorted(_GEOGRAPHIC))})"
"""Calling codes are prefix-free, so the order of the alternatives does not matter."""

_PARSED = {"position": pl.UInt32, "code": pl.Int64, "national": pl.String}
_READ = {"position": pl.UInt32, "e164": pl.String}


def read_plain_phones(pairs: pl.DataFrame) -> pl.DataFrame:
    """Read the numbers that are certain: possible, assigned, a mobile or fixed line.

    Args:
        pairs: ``position`` (UInt32), ``text`` and ``region`` (alpha-2, may be null).

    Returns:
        ``position`` and ``e164`` of the numbers decided; the others are left open.
    """
    text = pl.col("text")
    plain = pairs.filter(text.str.contains(_PLAIN) & ~text.str.contains(DECIMAL)).select(
        "position",
        "region",
        is_international=text.str.starts_with("+"),
        digits=text.str.replace_all(r"[^0-9]", ""),
    )
    parsed = [_parse_international(plain.filter("is_international"))]
    parsed += [
        _parse_domestic(rows, str(region))
        for (region,), rows in plain.filter(~pl.col("is_international")).group_by("region")
        if region is not None and _is_known(str(region))
    ]
    read = [
        _read_assigned(rows, int(str(code)))
        for (code,), rows in pl.concat(parsed, how="vertical").group_by("code")
        if int(str(code)) in _GEOGRAPHIC
    ]
    return pl.concat([pl.DataFrame(schema=_READ), *read], how="vertical")


def _parse_international(rows: pl.DataFrame) -> pl.DataFrame:
    """Split ``digits`` behind a plus sign into calling code and national number."""
    split = rows.select("position", code=pl.col("digits").str.extract(_CALLING_CODE, 1), digits="digits").drop_nulls(
        "code"
    )
    split = split.select(
        "position", pl.col("code").cast(pl.Int64), national=pl.col("digits").str.slice(pl.col("code").str.len_bytes())
    )
    parts = [
        rows_of_code.with_columns(
            national=_strip_national_prefix(pl.col("national"), _metadata(_GEOGRAPHIC[int(str(code))][0]))
        )
        for (code,), rows_of_code in split.group_by("code")
    ]
    return pl.concat([pl.DataFrame(schema=_PARSED), *parts], how="vertical").drop_nulls()


def _parse_domestic(rows: pl.DataFrame, region: str) -> pl.DataFrame:
    """Read ``digits`` without a plus sign as dialled in the region."""
    metadata = _metadata(region)
    digits, code = pl.col("digits"), str(metadata.country_code)
    rows = rows.select("position", "digits")
    if metadata.international_prefix:
        rows = rows.filter(~digits.str.contains(f"^(?:{metadata.international_prefix})"))
    has_code = digits.str.starts_with(code)
    rest = digits.str.slice(len(code))
    is_whole = _matches(digits, _general(metadata))
    is_national = ~has_code | (is_whole & _has_length(digits, _general(metadata)))
    national = rows.filter(is_national).select(
        "position", code=pl.lit(metadata.country_code, pl.Int64), national=_strip_national_prefix(digits, metadata)
    )
    is_code_written = has_code & ~is_whole & _matches(rest, _general(metadata))
    if metadata.national_prefix_for_parsing:
        is_code_written &= ~rest.str.contains(f"^(?:{metadata.national_prefix_for_parsing})")
    with_code = _parse_international(rows.filter(is_code_written))
    return pl.concat([national.drop_nulls(), with_code], how="vertical")


def _strip_national_prefix(number: pl.Expr, metadata: PhoneMetadata) -> pl.Expr:
    """Take the national prefix off; null where the outcome hangs on more than this module repeats."""
    prefix = metadata.national_prefix_for_parsing
    if not prefix:
        return number
    has_prefix = number.str.contains(f"^(?:{prefix})")
    if metadata.national_prefix_transform_rule:
        return pl.when(~has_prefix).then(number)
    stripped = number.str.replace(f"^(?:{prefix})", "")
    general = _general(metadata)
    is_kept = ~has_prefix | (_matches(number, general) & ~_matches(stripped, general))
    return pl.when(is_kept).then(number).when(_has_length(stripped, general)).then(stripped)


def _read_assigned(rows: pl.DataFrame, code: int) -> pl.DataFrame:
    """Return the E.164 form of national numbers under one calling code that somebody may have."""
    regions = _GEOGRAPHIC[code]
    national = pl.col("national")
    open_rows = rows.filter(_has_length(national, _general(_metadata(regions[0]))))
    assigned = []
    for region in regions:
        metadata = _metadata(region)
        is_line = _is_line(national, metadata)
        if metadata.leading_digits:
            # phonenumbers looks at no further region once the leading digits fit.
            leads = open_rows["national"].str.contains(f"^(?:{metadata.leading_digits})")
            assigned.append(open_rows.filter(leads).filter(is_line))
            open_rows = open_rows.filter(~leads)
        else:
            found = open_rows.select(is_line.alias("found"))["found"]
            assigned.append(open_rows.filter(found))
            open_rows = open_rows.filter(~found)
        if open_rows.is_empty():
            break
    return pl.concat(assigned, how="vertical").select("position", e164=pl.lit(f"+{code}") + national)


def _is_line(national: pl.Expr, metadata: PhoneMetadata) -> pl.Expr:
    kinds = pl.lit(False)
    for kind in (metadata.mobile, metadata.fixed_line):
        if kind is not None and kind.national_number_pattern:
            kinds |= _has_length(national, kind) & _matches(national, kind)
    general = _general(metadata)
    return _has_length(national, general) & _matches(national, general) & kinds


def _has_length(number: pl.Expr, kind: PhoneNumberDesc) -> pl.Expr:
    """Possible as a whole number, not as a local one that lacks its area code."""
    lengths = [length for length in kind.possible_length if length not in kind.possible_length_local_only]
    return number.str.len_bytes().is_in(lengths)


def _matches(number: pl.Expr, kind: PhoneNumberDesc) -> pl.Expr:
    return number.str.contains(f"^(?:{kind.national_number_pattern})$")


def _general(metadata: PhoneMetadata) -> PhoneNumberDesc:
    """All numbers of a region, of whatever kind; every region has this description."""
    assert metadata.general_desc is not None
    return metadata.general_desc


@cache
def _metadata(region: str) -> PhoneMetadata:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    assert metadata is not None
    return metadata


def _is_known(region: str) -> bool:
    return region not in _LEFT_OUT and PhoneMetadata.metadata_for_region(region, None) is not None


def known_regions() -> Iterator[str]:
    """Yield the regions whose numbers this module reads."""
    for regions in _GEOGRAPHIC.values():
        yield from regions
