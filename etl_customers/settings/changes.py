"""Changes of ``settings.toml`` by a command: one setting is set or taken out, all else in the file stays as it is.

What may be set is said by ``etl_customers.settings.sections``; secrets are refused, since words of a
command are seen by others on the machine and stay in the shell's history.
"""

import difflib
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pydantic
import tomlkit
from tomlkit.exceptions import TOMLKitError

from etl_customers.base.errors import DiskUnavailable, NotFound, SettingsInvalid, UsageError
from etl_customers.base.folder_lock import locked_folder
from etl_customers.base.private_files import write_private
from etl_customers.settings.environment import DATABASE_VARIABLE, SECRET_KEY_VARIABLE
from etl_customers.settings.home import HOME_VARIABLE, Home
from etl_customers.settings.in_force import (
    overriding_variable,
    problems_in_file,
    read_settings_file,
    settings_of_file,
    variable_of,
)
from etl_customers.settings.sections import Settings
from etl_customers.texts.invisible import visible
from schemas.sources import PROVIDERS

_ELSEWHERE = {
    "database": DATABASE_VARIABLE,
    "database.url": DATABASE_VARIABLE,
    "database_url": DATABASE_VARIABLE,
    "home": HOME_VARIABLE,
    "secret.key": SECRET_KEY_VARIABLE,
    "secret_key": SECRET_KEY_VARIABLE,
    **{
        f"{provider}.client_{part}": f"ETL_CUSTOMERS_{provider.upper()}_CLIENT_{part.upper()}"
        for provider in PROVIDERS
        for part in ("id", "secret")
    },
}
"""What is no setting but has a variable of its own."""
_LISTED = "see: etl-customers settings"


@dataclass(frozen=True)
class Setting:
    """A setting, or one ``entry`` of a setting that is a table: the header of an alias."""

    section: str
    key: str
    entry: str | None = None

    @property
    def name(self) -> str:
        """As a person writes it."""
        return ".".join(self.path)

    @property
    def path(self) -> tuple[str, ...]:
        """Where it stands in the file."""
        return (self.section, self.key, *(() if self.entry is None else (self.entry,)))

    @property
    def variable(self) -> str:
        """The environment variable that holds it."""
        return variable_of(self.section, self.key)

    @property
    def field(self) -> pydantic.fields.FieldInfo:
        """What pydantic knows of it: type, default, limits."""
        return _sections()[self.section].model_fields[self.key]

    @property
    def is_secret(self) -> bool:
        """Whether it may not be seen."""
        return any(issubclass(kind, pydantic.Secret | pydantic.SecretStr) for kind in self._kinds)

    @property
    def is_list(self) -> bool:
        """Whether it has several values."""
        return any(get_origin(kind) is tuple for kind in (self.field.annotation, *self._kinds))

    @property
    def is_table(self) -> bool:
        """Whether it has entries."""
        return get_origin(self.field.annotation) is dict

    @property
    def is_path(self) -> bool:
        """Whether it names a file."""
        return Path in self._kinds

    @property
    def _kinds(self) -> tuple[type, ...]:
        annotation = self.field.annotation
        parts = (annotation, *get_args(annotation))
        plain = (part.__origin__ if get_origin(part) is Annotated else part for part in parts)
        return tuple(kind for kind in plain if isinstance(kind, type))


@dataclass(frozen=True)
class Change:
    """How a setting stands in ``settings.toml`` after a command."""

    name: str
    value: Any
    """As TOML has it; None: it is not in the file."""
    is_changed: bool
    overridden_by: str | None
    """The environment variable that goes before the file."""


def find_setting(name: str) -> Setting:
    """Return the setting of a name; case does not count, and a hyphen is as good as an underscore.

    Raises:
        UsageError: It is none, a whole section, or one that comes from the environment only.
    """
    plain = name.strip().lower().replace("-", "_")
    section, _, rest = name.strip().partition(".")
    key, has_entry, entry = rest.partition(".")
    section, key = (part.strip().lower().replace("-", "_") for part in (section, key))
    if plain in _ELSEWHERE:
        raise UsageError(f"{plain} cannot be in settings.toml; set the environment variable {_ELSEWHERE[plain]}")
    if section in _sections() and key in _sections()[section].model_fields:
        setting = Setting(section, key, entry.strip() if has_entry else None)
        if setting.entry is None or (setting.is_table and setting.entry):
            return setting
    if plain in _sections():
        settings = ", ".join(f"{plain}.{field}" for field in _sections()[plain].model_fields)
        raise UsageError(f"{plain} is a section, not a setting; name one of its settings: {settings}")
    known = [f"{one}.{field}" for one, model in _sections().items() for field in model.model_fields]
    alike = difflib.get_close_matches(plain, known, 1, 0.6) or [one for one in known if one.endswith(f".{plain}")]
    raise NotFound(
        "setting",
        plain,
        f"did you mean {alike[0]}? All are listed by: etl-customers settings" if len(alike) == 1 else _LISTED,
    )


def set_setting(home: Home, name: str, text: str, check: Callable[[Settings], None]) -> Change:
    """Write a setting into ``settings.toml``, which is made where it is missing.

    Args:
        home: Whose settings.
        name: Section and name, ``csv.max_rows``; of a table with the entry, ``csv.aliases.Town``.
        text: The value as typed; of a list with commas between the values.
        check: Raises what else is wrong with the settings of the file as they would be.

    Raises:
        UsageError: No such setting, a secret, or a value that it cannot have; nothing is changed.
        SettingsInvalid: The file is damaged; nothing is changed.
        DiskUnavailable: The file cannot be written.
    """
    setting = find_setting(name)
    if setting.is_secret:
        raise UsageError(
            f"{setting.name} is a secret, which should not be part of a command; set the environment variable {setting.variable}"
        )
    if setting.is_table and setting.entry is None:
        raise UsageError(
            f"{setting.name} has entries; set one: etl-customers settings set {setting.name}.HEADER COLUMN"
        )
    value = _typed(setting, text)
    with _locked(home):
        before = read_settings_file(home)
        variable = overriding_variable(setting.section, setting.key)
        found = _get(before, setting.path)
        wanted = _with(before, setting.path, value)
        _refuse_invalid(setting, wanted)
        check(settings_of_file(wanted))
        if found != value or type(found) is not type(value):
            _write(home, wanted, setting.path, value)
            return Change(setting.name, value, True, variable)
        return Change(setting.name, value, False, variable)


def unset_setting(home: Home, name: str) -> Change:
    """Take a setting out of ``settings.toml``: its default is in force again.

    Raises:
        UsageError: No such setting.
        SettingsInvalid: The file is damaged; nothing is changed.
        DiskUnavailable: The file cannot be written.
    """
    with _locked(home):
        before = read_settings_file(home)
        path = _path_to_unset(before, name)
        is_there = _get(before, path) is not None
        if is_there:
            _write(home, _with(before, path, None), path, None)
        return Change(".".join(path), None, is_there, overriding_variable(*path[:2]) if len(path) > 1 else None)


def _path_to_unset(content: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return where a setting stands; what is none may go too where it stands in the file, or nobody could mend that."""
    try:
        return find_setting(name).path
    except UsageError:
        as_written = tuple(name.strip().split(".", 2))
        found = _get(content, as_written)
        if found is None or (name.strip() in _sections() and isinstance(found, Mapping)):
            raise
        return as_written


def _sections() -> Mapping[str, type[pydantic.BaseModel]]:
    return {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, pydantic.BaseModel)
    }


def _typed(setting: Setting, text: str) -> Any:  # noqa: ANN401 - a value of TOML
    """Return the value as TOML has it, or the text where it is none; what it may be is asked afterwards."""
    if setting.is_list:
        return [part for one in text.split(",") if (part := visible(one).strip())]
    if not setting.is_path:
        text = visible(text).strip()
    if setting.entry is not None and not text:
        return ""  # an alias that leads to nothing: its column is left out (R3)
    if not text.strip():
        raise UsageError(
            f"{setting.name} needs a value; to remove it, run: etl-customers settings unset {setting.name}"
        )
    if setting.is_path:
        return str(Path(text).absolute())
    try:
        kind = setting.field.annotation
        value = pydantic.TypeAdapter(kind).validate_python(text) if kind in (bool, int, float) else text
    except pydantic.ValidationError:
        return text
    return value


def _refuse_invalid(setting: Setting, wanted: Mapping[str, Any]) -> None:
    problems = problems_in_file(wanted)
    for place, allowed in problems.items():
        if place[:2] == setting.path[:2]:
            raise UsageError(f"{setting.name} {allowed}; nothing was changed")
    if problems:
        found = (
            f"{'.'.join(place)}: {allowed} (to remove it, run: etl-customers settings unset {'.'.join(place[:2])})"
            for place, allowed in problems.items()
        )
        raise SettingsInvalid(tuple(found))


def _get(content: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - a value of TOML
    for part in path:
        content = content.get(part) if isinstance(content, Mapping) else None
    return content


def _with(content: Mapping[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    """Return the content with another value in one place; None takes it out."""
    first, *rest = path
    changed = dict(content)
    if rest:
        below = changed.get(first)
        changed[first] = _with(below if isinstance(below, Mapping) else {}, tuple(rest), value)
    elif value is None:
        changed.pop(first, None)
    else:
        changed[first] = value
    return changed


def _write(home: Home, wanted: Mapping[str, Any], path: tuple[str, ...], value: object) -> None:
    """Change one place of the file; whatever form it has, the outcome is compared with what is wanted."""
    file = Path(os.path.realpath(home.settings_file))
    text = _read(file)
    try:
        document = tomlkit.parse(text)
        _put(document, path, value)
        changed = tomlkit.dumps(document)
        is_right = tomllib.loads(changed) == wanted
    except (TOMLKitError, tomllib.TOMLDecodeError, TypeError, AttributeError):
        is_right = False
    if not is_right:
        raise SettingsInvalid(
            (f"{home.settings_file} is written in a way that this command cannot change; edit it by hand",)
        )
    _replace(file, changed.encode())


def _put(document: Any, path: tuple[str, ...], value: object) -> None:  # noqa: ANN401 - tables of several classes
    *tables, last = path
    for number, name in enumerate(tables):
        if name not in document:
            is_inline = isinstance(document, tomlkit.items.InlineTable)
            document[name] = (
                tomlkit.inline_table() if is_inline else tomlkit.table(is_super_table=number < len(tables) - 1)
            )
        document = document[name]
    if value is None:
        del document[last]
    else:
        document[last] = value


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise DiskUnavailable(file, error.strerror or "cannot be read") from None


def _replace(file: Path, content: bytes) -> None:
    """Put a private file in the place of another: the whole of it, or nothing."""
    try:
        for left in file.parent.glob(f".{file.name}.*"):  # of a process that was killed: the lock is ours
            left.unlink(missing_ok=True)
        write_private(file, content)
    except OSError as error:
        raise DiskUnavailable(file, error.strerror or "cannot be written") from None


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """Let one process at a time change the settings of a home; the lock ends with the process."""
    home.make()
    with ExitStack() as stack:
        try:
            stack.enter_context(locked_folder(home.path))
        except OSError as error:
            raise DiskUnavailable(home.path, error.strerror or "cannot be opened") from None
        yield
