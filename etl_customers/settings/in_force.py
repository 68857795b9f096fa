"""The settings in force: environment over ``settings.toml`` over defaults, and where each came from."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pydantic
from pydantic_settings import SettingsError

from etl_customers.base.errors import DiskUnavailable, SettingsInvalid
from etl_customers.settings.environment import PREFIX
from etl_customers.settings.home import Home
from etl_customers.settings.sections import Settings


class _SettingsOfFile(Settings):
    """The same, read from the file alone."""

    reads_environment: ClassVar[bool] = False


@dataclass(frozen=True)
class SettingOrigin:
    """One setting in force and where it was read."""

    name: str
    value: object
    origin: str


def load_settings(home: Home) -> Settings:
    """Read the settings in force: environment over ``settings.toml`` over defaults.

    Raises:
        SettingsInvalid: Names every setting that has a wrong name, type or value.
    """
    in_file = read_settings_file(home)
    _refuse_unknown_sections()
    try:
        return Settings(**in_file)
    except pydantic.ValidationError as error:
        problems = tuple(
            f"{'.'.join(map(str, detail['loc']))} ({_origin(home, in_file, *detail['loc'][:2])}): {_allowed(detail)}"
            for detail in error.errors(include_input=False, include_url=False)
        )
        raise SettingsInvalid(problems) from None
    except SettingsError as error:
        # The one thing it is raised for; its text names the section, its cause holds the value.
        section = re.search(r'field "(\w+)"', str(error))
        name = f"{PREFIX}{section[1].upper()}" if section else f"a variable {PREFIX}…"
        raise SettingsInvalid((f"{name}, or a list or table below it ({name}__…), is not JSON",)) from None


def settings_with_origins(home: Home) -> Iterator[SettingOrigin]:
    """Yield every setting with its value and where it came from, in the order of the sections."""
    settings, in_file = load_settings(home), read_settings_file(home)
    for section, model in settings:
        for key, value in model:
            yield SettingOrigin(f"{section}.{key}", value, _origin(home, in_file, section, key))


def settings_of_file(in_file: Mapping[str, Any]) -> Settings:
    """Return the settings that ``settings.toml`` alone would make; see first that it has no problems."""
    return _SettingsOfFile(**in_file)


def problems_in_file(in_file: Mapping[str, Any]) -> dict[tuple[str, ...], str]:
    """Return the settings that ``settings.toml`` may not have, whatever the environment says, each with what is allowed."""
    try:
        _SettingsOfFile(**in_file)
    except pydantic.ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        return {tuple(map(str, detail["loc"])): _allowed(detail) for detail in details}
    return {}


def overriding_variable(section: str, key: str) -> str | None:
    """Return the environment variable from which a setting is read instead of ``settings.toml``, if there is one."""
    name, whole = f"{PREFIX}{section}__{key}".upper(), f"{PREFIX}{section}".upper()
    return next(
        (one for one in os.environ if one.upper() in (name, whole) or one.upper().startswith(f"{name}__")), None
    )


def variable_of(section: str, key: str) -> str:
    """Return the name of the environment variable that holds a setting."""
    return f"{PREFIX}{section}__{key}".upper()


def _origin(home: Home, in_file: Mapping[str, Any], section: object, key: object = "") -> str:
    """Return the variable or the file that a setting was read from, ``default`` where from neither."""
    variable = overriding_variable(str(section), str(key))
    if variable is not None:
        return variable
    values = in_file.get(str(section))
    return (
        str(home.settings_file) if values is not None and (not isinstance(values, dict) or key in values) else "default"
    )


def _refuse_unknown_sections() -> None:
    """Pydantic passes over a variable whose section it does not know: a misspelt one would go unnoticed."""
    for name in os.environ:
        section, is_setting, _ = name.upper().removeprefix(PREFIX).partition("__")
        if name.upper().startswith(PREFIX) and is_setting and section.lower() not in Settings.model_fields:
            raise SettingsInvalid((f"{name}: there is no section {section.lower()}; see: etl-customers settings",))


def _allowed(detail: Mapping[str, Any]) -> str:
    """Say in plain words what a setting may be; pydantic's own words are for programmers."""
    context = detail.get("ctx", {})
    words = {
        "bool": "must be true or false",
        "dict": "must be a table",
        "float": "must be a number",
        "int": "must be a whole number",
        "list": "must be a list",
        "model": "must be a table",
        "string": "must be text",
        "tuple": "must be a list",
        "url": "must be an address such as https://example.com",
    }
    kind = str(detail["type"])
    match kind:
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "literal_error":
            return f"must be {context['expected']}"
        case "string_too_short":
            return f"must have at least {context['min_length']} characters"
        case "string_pattern_mismatch":
            return "must be the two letters of a country's code, such as AU"
        case "extra_forbidden":
            return "there is no such setting"
        case "value_error":
            return str(detail["msg"]).removeprefix("Value error, ")
    return words.get(kind.partition("_")[0], str(detail["msg"]))


def read_settings_file(home: Home) -> dict[str, Any]:
    """Return what ``settings.toml`` holds, nothing where there is none.

    Raises:
        SettingsInvalid: It is not TOML; names the line.
        DiskUnavailable: It cannot be read.
    """
    path = home.settings_file
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DiskUnavailable(path, error.strerror or "cannot be read") from None
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits, or as many brackets
        raise SettingsInvalid((f"{path} is not valid TOML: {error}",)) from None
