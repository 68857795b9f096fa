"""Damaged texts: what nobody wrote is told from names, also from those in capitals."""

import pytest

from etl_customers.validate.damaged import is_damaged

NAMES = [
    *(
        "Zoë",
        "Nguyễn",
        "Łukasz",
        "Müller",
        "Ångström",
        "O’Neil",
        "“Anna” Lee",
        "Ольга",
        "Βασίλης",
        "Čapek",
        "Perú",
        "Siân",
    ),
    *(
        "Dvořák",
        "Iñárritu",
        "Şahin",
        "İstanbul",
        "Ġużè",
        "Ørsted",
        "Ærø",
        "Ýmir",
        "naïve…",
        "Đặng",
        "Ürümqi",
        "مريم",
        "東京",
    ),
    *(
        "Peña 😀",
        "5° Norte",
        "nº 5",
        "½ Lane",
        "Crème brûlée",
        "Ħamrun",
        "Šárka",
        "Żółć",
        "Größe",
        "ﬁ",
        "Ağrı",
    ),
]
CAPITALS = [
    *("SÃO PAULO", "ÂNGELA", "JOÃO", "MANHÃ", "“MANHÔ", "MANHÃ…", "IRMÃ’S", "HALÂ\u00a0BEY", "FRANÇA – LTDA", "PEÑA’S"),
    *(
        "CONCEIÇÃO",
        "GUIMARÃES",
        "NGUYỄN VĂN ÂN",
        "ÂU CƠ",
        "TRẦN THỊ ÁNH",
        "ĐÀO THỊ ÂN",
        "Å",
        "Å’S",
        "BLÅ”",
        "VÍŠEK",
        "JEŽÍŠ",
    ),
    *(
        "«Âge»",
        "Œuvre",
        "ÎLE D’YEU",
        "ÑUÑOA",
        "CAFÉ™",
        "CAFÉ’S",
        "É”",
        "ÖZGÜR",
        "ÞÓR",
        "ÆØÅ",
        "ŠŤASTNÝ",
        "Ã",
        "Â",
        "LÃ–",
        "Groß’ Haus",
    ),
]


@pytest.mark.parametrize("name", [*NAMES, *CAPITALS])
def test_a_name_is_not_damaged(name: str) -> None:
    assert not is_damaged(name)
    assert not is_damaged(name.lower())
    assert not is_damaged(name.upper())


@pytest.mark.parametrize("name", [name for name in NAMES if not name.isascii()])
@pytest.mark.parametrize("codec", ["windows-1252", "latin-1"])
def test_a_name_read_in_the_wrong_encoding_is_damaged(name: str, codec: str) -> None:
    misread = name.encode().decode(codec, "replace")
    assert is_damaged(misread)
    assert is_damaged(f"Ann {misread} Lee")


def test_a_character_that_was_lost_is_damage() -> None:
    assert is_damaged("Zo\ufffd")
