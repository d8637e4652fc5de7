"""Where settings come from: a TOML file, the seed's variables, liveopt's own variables."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_origin

from pydantic import TypeAdapter, ValidationError

from liveopt.config.api_key import ApiKey, read_api_key
from liveopt.config.errors import ConfigError
from liveopt.config.sections import SECTIONS, Settings
from liveopt.config.text import lines_of

FILE_VARIABLE: Final = "LIVEOPT_CONFIG"
FILES: Final = (Path("liveopt.toml"), Path("config/liveopt.toml"))
"""Where a file is looked for when none is named; the first that exists is read, alone."""
PREFIX: Final = "LIVEOPT__"
SEED_VARIABLES: Final = {
    "OPTIMIZER_ENABLED": ("live", "enabled"),
    "OPTIMIZER_MODE": ("live", "mode"),
    "OPTIMIZER_MAX_VARIANTS": ("live", "variants"),
    "OPTIMIZER_INITIAL_CAPITAL": ("account", "capital"),
    "OPTIMIZER_AUTO_PROMOTE": ("live", "auto_promote"),
    "PORT": ("web", "port"),
}
DEMO_VARIABLE: Final = "DEMO_MODE"
DEMO: Final = {("live", "mode"): "paper", ("live", "feed"): "sim"}
REAL_ORDERS_VARIABLE: Final = "LIVEOPT_REAL_ORDERS"
REAL_ORDERS_WORD: Final = "yes-i-may-lose-real-money"
REAL_ORDERS_FLAG: Final = "--real-orders"
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and how they were come by."""

    settings: Settings
    file: Path | None
    """The file that was read; None where the defaults stand alone."""
    origins: Mapping[tuple[str, str], str]
    """(section, key) -> `file:line` or `environment NAME`; what is missing is a default."""
    api_key: ApiKey | None = None

    def origin(self, section: str, key: str) -> str:
        """Where a value comes from, in words."""
        return self.origins.get((section, key), DEFAULT)


@dataclass(slots=True)
class _Gathered:
    """What all sources say, later ones over earlier ones, and what is wrong with it so far."""

    tables: dict[str, Any] = field(default_factory=dict)
    origins: dict[tuple[str, str], str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def put(self, place: tuple[str, str], text: str, name: str) -> None:
        section, key = place
        known = SECTIONS[section].model_fields.get(key)
        listed = known is not None and get_origin(known.annotation) is tuple
        table = self.tables.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = [p for part in text.split(",") if (p := part.strip())] if listed else text
            self.origins[place] = f"environment {name}"


def load(file: Path | None = None, *, real_orders: bool = False) -> Settings:
    """The settings of this process; `real_orders` says that the command was given that flag."""
    return examine(file, real_orders=real_orders).settings


def examine(file: Path | None = None, *, real_orders: bool = False) -> Loaded:
    """The same with where each value came from, and the API key if one is set."""
    source = find(file)
    got = _Gathered()
    if source is not None:
        _take_file(got, source)
    _take_environment(got)
    settings = None
    try:
        settings = Settings.model_validate(got.tables)
    except ValidationError as error:
        got.complaints += _complaints(error, got.origins)
    api_key = None
    try:
        api_key = read_api_key(os.environ)
    except ConfigError as error:
        got.complaints.append(str(error))
    if settings is None or got.complaints:
        raise ConfigError("\n".join(got.complaints))
    loaded = Loaded(settings, source, got.origins, api_key)
    _refuse_real_orders(loaded, real_orders)
    return loaded


def find(file: Path | None = None) -> Path | None:
    """The file that is read: the one given, the one LIVEOPT_CONFIG names, or one found here."""
    if file is None and (named := os.environ.get(FILE_VARIABLE)):
        file = Path(named)
    return file or next((path for path in FILES if path.exists()), None)


def _take_file(got: _Gathered, file: Path) -> None:
    text = _text(file)
    try:
        got.tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    lines = lines_of(text)
    got.origins = {place: f"{file}:{line}" for place, line in lines.items()}
    for section in [name for name in got.tables if name not in SECTIONS]:
        where = got.origins[section, ""]
        got.complaints.append(f"{where}: {section}: {_unknown(section, SECTIONS)}")
        del got.tables[section]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read ({error.strerror}); name another file in {FILE_VARIABLE}"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error


def _take_environment(got: _Gathered) -> None:
    """The seed's names first, then liveopt's own, then DEMO_MODE, which is the safe side of all."""
    for name, place in SEED_VARIABLES.items():
        if text := os.environ.get(name):
            got.put(place, text, name)
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX):
            _take_variable(got, name)
    try:
        demo = TypeAdapter(bool).validate_python(os.environ.get(DEMO_VARIABLE) or "false")
    except ValidationError:
        got.complaints.append(f"environment {DEMO_VARIABLE}: say true or false, or unset it")
        return
    for place, word in DEMO.items() if demo else ():
        got.put(place, word, DEMO_VARIABLE)


def _take_variable(got: _Gathered, name: str) -> None:
    section, _, key = name.upper().removeprefix(PREFIX).lower().partition("__")
    if section not in SECTIONS:
        got.complaints.append(f"environment {name}: {section}: {_unknown(section, SECTIONS)}")
    elif not key:
        got.complaints.append(f"environment {name}: {section}: write {PREFIX}SECTION__KEY=value")
    else:
        got.put((section, key), os.environ[name], name)


def _complaints(error: ValidationError, origins: Mapping[tuple[str, str], str]) -> Iterator[str]:
    for problem in error.errors():
        section, key = (*map(str, problem["loc"]), "")[:2]
        own = origins.get((section, key)) if key else None
        where = own or _named(section, problem["msg"], origins)
        place = f"{section}.{key}" if key else section
        yield f"{where}: {place}: {_how_to_mend((section, key), problem['type'], problem['msg'])}"


def _named(section: str, message: str, origins: Mapping[tuple[str, str], str]) -> str:
    """Where the first key stands that a section complains of, or else the section."""
    keys = [key for of, key in origins if of == section and key and f"{key}=" in message]
    place = (section, min(keys, key=lambda key: message.index(f"{key}=")) if keys else "")
    return origins.get(place, DEFAULT)


def _how_to_mend(place: tuple[str, str], kind: str, message: str) -> str:
    section, key = place
    if not key and kind == "value_error":  # its keys do not fit together, which it says itself
        return message.removeprefix("Value error, ")
    if not key:
        return f"write it as a table: [{section}], then one key a line"
    fields = SECTIONS[section].model_fields
    if kind == "extra_forbidden":
        return _unknown(key, fields)
    return f"{message}. {fields[key].description}"


def _unknown(name: str, known: Mapping[str, object]) -> str:
    if any(word in name.lower() for word in ("secret", "passphrase", "api_key", "apikey")):
        return "an API key is never in the settings; set KUCOIN_API_KEY and its like instead"
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
    return f"unknown, remove it or mend it; {hint}"


def _refuse_real_orders(loaded: Loaded, flag: bool) -> None:
    live = loaded.settings.live.mode == "live"
    if not live and not flag:
        return
    switches = {
        'live.mode = "live"': live,
        f"{REAL_ORDERS_VARIABLE}={REAL_ORDERS_WORD}": (
            os.environ.get(REAL_ORDERS_VARIABLE) == REAL_ORDERS_WORD
        ),
        f"{REAL_ORDERS_FLAG} of `liveopt run`": flag,
    }
    missing = [name for name, on in switches.items() if not on]
    said = f"missing: {', '.join(missing)}" if missing else "all three are given"
    raise ConfigError(
        f"{loaded.origin('live', 'mode')}: live.mode: real orders need three switches ({said}), and"
        ' this release cannot place them at all: set live.mode = "paper"'
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "liveopt.toml"}
    return Settings.model_json_schema() | about
