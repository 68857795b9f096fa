"""Error values of spreadsheets: what stands in a cell whose formula has no result. They are nobody's name or number.

Source:
    Excel's error values (ECMA-376, part 1, 18.18.11, and Microsoft's pages on later ones), as Excel shows and
    exports them in its languages (as EPPlus and HyperFormula list them, 2026-11); LibreOffice's error codes.
"""

import re
import unicodedata

_ENGLISH = (
    "#N/A #N/A! #REF! #VALUE! #NAME? #DIV/0! #NUM! #NULL! #SPILL! #CALC! #GETTING_DATA #FIELD! #BLOCKED! #CONNECT! #BUSY! "
    "#UNKNOWN! #EXTERNAL! #PYTHON! #TIMEOUT! #DATA! #ERROR! #CIRC! #CYCLE!"
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
    "#ЗНАЧ! #ИМЯ? #ССЫЛКА! #ДЕЛ/0! #Н/Д #ЧИСЛО! #ПУСТО! #ПЕРЕНОС! #ПОЛУЧЕНИЕ_ДАННЫХ"  # noqa: RUF001 - Russian
)
_KNOWN = frozenset(_ENGLISH.split()) | frozenset(_IN_OTHER_LANGUAGES.split())
_LIBREOFFICE = re.compile("Err:5[0-9]{2}")

STARTS = ("#", "Err:")
"""One of these begins every error value."""

OTHER = "#ERROR!"
"""Stands for an error value that is none of the known ones, of a workbook that says which cells are errors."""


def error_value(text: str) -> str | None:
    """Return the error value that a trimmed text is, as this module writes it; none where it is another text."""
    upper = unicodedata.normalize("NFC", text).upper()
    if upper in _KNOWN:
        return upper
    return text if _LIBREOFFICE.fullmatch(text) else None
