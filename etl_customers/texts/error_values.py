"""Error values of spreadsheets: what stands in a cell whose formula has no result. They are nobody's name or number.

Source:
    Excel's error values (ECMA-376, part 1, 18.18.11, and Microsoft's pages on later ones), as Excel shows and
    exports them in its languages (as EPPlus and HyperFormula list them, 2026-11); LibreOffice's error codes.
"""

import re
import unicodedata

_ENGLISH = (
    "#N/A #N/A! #REF! #VALUE! #NAME? #DIV/0! #NUM! #NULL! #SPILL! #CALC! #GETTING_DATA #FIELD! #BLOCKED! #CONNECT! #BUSY! "
    "#UNKNOWN! #EXTERNAL! #PYTHON! #TIMEOUT! #DATA! #ERROR! #CIRC! #CYCLE! #REF #VALUE #DIV/0 #NULL LOADING..."
)
_IN_OTHER_LANGUAGES = (
    "#NV #WERT! #BEZUG! #ZAHL! #ÜBERLAUF! #KALK! #DATEN_ABRUFEN #FELD! "  # German
    "#VALEUR! #NOM? #NOMBRE! #NUL! #EPARS! #CALCUL! #CHAMP! #OBTENTION_DONNEES #PROPAGATION! "  # French
    "#¡VALOR! #¿NOMBRE? #¡REF! #¡NUM! #¡DIV/0! #¡NULO! #VALOR! #NOMBRE? #NULO! #¡DESBORDAMIENTO! #¡CALC! "
    "#OBTENIENDO_DATOS "  # Spanish
    "#VALORE! #NOME? #RIF! #NULLO! #N/D #N/D! #RECUPERO_DATI #ESPANSIONE! "  # Italian
    "#NÚM! #DESPEJAR! #OBTENDO_DADOS "  # Portuguese
    "#WAARDE! #NAAM? #VERW! #DEEL/0! #N/B #GETAL! #LEEG! #OVERLOOP! #GEGEVENS_OPHALEN "  # Dutch
    "#VÆRDI! #NAVN? #REFERENCE! #DIVISION/0! #I/T #VERDI! #HENTER_DATA "  # Danish, Norwegian
    "#VÄRDEFEL! #NAMN? #REFERENS! #SAKNAS! #OGILTIGT! #SKÄRNING! #HÄMTAR_DATA "  # Swedish
    "#ARVO! #NIMI? #VIITTAUS! #JAKO/0! #PUUTTUU #PUUTTUU! #LUKU! #TYHJÄ! #NOUDETAAN_TIETOJA "  # Finnish
    "#ARG! #NAZWA? #ADR! #DZIEL/0! #LICZBA! #ZERO! #PUSTE! #POBIERANIE_DANYCH "  # Polish
    "#HODNOTA! #NÁZEV? #ODKAZ! #DĚLENÍ_NULOU! #NENÍ_K_DISPOZICI #ČÍSLO! #ZÍSKÁVÁNÍ_DAT "  # Czech
    "#NÁZOV? #DELENIE_NULOU! #DELENIENULOU! #NEDOSTUPNÝ #NEDOSTUPNÉ #NEPLATNÝ! "  # Slovak
    "#ÉRTÉK! #NÉV? #HIV! #ZÉRÓOSZTÓ! #HIÁNYZIK #SZÁM! #NULLA! #ADATOK_BEKÉRÉSE "  # Hungarian
    "#VRIJEDNOST! #NAZIV? #DIJ/0! #BROJ! #VREDN! #IME? #SKLIC! #DEL/0! #N/V #ŠTEV! "  # Croatian, Slovenian
    "#VALOARE! #NUME? "  # Romanian
    "#DEĞER! #AD? #BAŞV! #SAYI/0! #YOK #SAYI! #BOŞ! "  # Turkish
    "#ΤΙΜΗ! #ΟΝΟΜΑ? #ΑΝΑΦ! #ΔΙΑΙΡ./0! #Δ/Υ #ΑΡΙΘ! "  # noqa: RUF001 - Greek
    "#ЗНАЧ! #ИМЯ? #ССЫЛКА! #ДЕЛ/0! #Н/Д #ЧИСЛО! #ПУСТО! #ПЕРЕНОС! #ВЫЧИСЛ! #ПОЛУЧЕНИЕ_ДАННЫХ"  # noqa: RUF001 - Russian
)
_KNOWN = frozenset(_ENGLISH.split()) | frozenset(_IN_OTHER_LANGUAGES.split())
_NUMBERED = re.compile("Err:5[0-9]{2}|Error 20[0-9]{2}")
"""LibreOffice's codes, and what a macro of Excel writes."""
_TOO_NARROW = re.compile("#{3,}")

LOOKS_LIKE_ONE = "^['=\u2019]*[#\uff03]|^Err|^L(?i:oading)"
"""A trimmed text that is an error value matches this; for Python's and Polars' regular expressions."""

OTHER = "#ERROR!"
"""Stands for an error value that is none of the known ones, of a workbook that says which cells are errors."""


def error_value(text: str) -> str | None:
    """Return the error value that a trimmed text is, as this module writes it; none where it is another text.

    Blanks within it (French writes one before ``!``), full-width signs and what makes a text of it do not count.
    A row of ``#`` is what a spreadsheet shows, and exports, of a value that its column is too narrow for.

    >>> error_value("#DIV/0 !"), error_value("'#N/A"), error_value("########"), error_value("#1 Street")
    ('#DIV/0!', '#N/A', '###', None)
    """
    written = "".join(unicodedata.normalize("NFKC", text).upper().split()).lstrip("='\u2019")
    if written in _KNOWN:
        return written
    if _TOO_NARROW.fullmatch(written):
        return "###"
    return text if _NUMBERED.fullmatch(text) else None
