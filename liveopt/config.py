"""Settings: a TOML file, then the environment on top, checked whole before anything starts."""

import difflib
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

DEFAULT_FILE: Final = Path("config/liveopt.toml")
FILE_VARIABLE: Final = "LIVEOPT_CONFIG"
PREFIX: Final = "LIVEOPT__"
FEE_MAX: Final = 0.05
"""The highest fee and slippage that are taken, in the settings and on the command line alike."""


class ConfigError(Exception):
    """A setting cannot be used; the message names where it stands and how to mend it."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Account(_Section):
    """What every variant starts with."""

    capital: float = Field(
        10_000.0, gt=0, le=1e12, description="quote currency at the start, above 0"
    )
    fraction: float = Field(
        1.0, ge=0.0001, le=1, description="share of the equity put in a position, 0.0001 to 1"
    )
    leverage: float = Field(
        1.0, ge=1, le=100, description="position value over the equity put in, 1 to 100"
    )


class Costs(_Section):
    """What a fill costs, as fractions of its value."""

    taker_fee: float = Field(0.0006, ge=0, le=FEE_MAX, description="a fraction: 0.0006 is 0.06 %")
    maker_fee: float = Field(
        0.0002,
        ge=-FEE_MAX,
        le=FEE_MAX,
        description="a fraction: 0.0002 is 0.02 %, below 0 is a rebate",
    )
    slippage: float = Field(0.0002, ge=0, le=FEE_MAX, description="a fraction: 0.0002 is 0.02 %")


class Engine(_Section):
    """Where the variants are stepped, and with how much of the machine."""

    device: Literal["auto", "cpu", "gpu"] = Field(
        "auto", description="auto takes a GPU where there is one"
    )
    threads: int = Field(0, ge=0, le=1024, description="CPU threads, 0 for all cores")
    memory_mib: int = Field(
        1024, ge=16, le=1_048_576, description="MiB of working memory, 16 or more"
    )


Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+/?$")]


class Kucoin(_Section):
    """Where the exchange is."""

    spot_url: Url = Field(
        "https://api.kucoin.com", description="http(s) address of the spot REST API"
    )
    futures_url: Url = Field(
        "https://api-futures.kucoin.com", description="http(s) address of the futures REST API"
    )


class Feed(_Section):
    """How the market's stream is read."""

    settle_ms: float = Field(
        1.0, ge=0, le=1000, description="ms a tick waits for one that should come first, 0 to 1000"
    )
    price_band: float = Field(
        0.2, ge=0, le=10, description="a fraction: 0.2 refuses prices more than 20 % away; 0 none"
    )
    rotate_hours: float = Field(
        23.0, ge=0.01, le=23.5, description="hours until a connection is renewed, 0.01 to 23.5"
    )
    recording_mib: int = Field(
        4096, ge=16, le=1_048_576, description="MiB a recording may take on disk, 16 or more"
    )


class Settings(BaseSettings):
    """All settings, frozen; `load` makes them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    account: Account = Account()
    costs: Costs = Costs()
    engine: Engine = Engine()
    kucoin: Kucoin = Kucoin()
    feed: Feed = Feed()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, which `load` hands in as arguments."""
        return env_settings, init_settings


def load(file: Path | None = None) -> Settings:
    """The settings of this process.

    Without a file, LIVEOPT_CONFIG names it; without that, config/liveopt.toml is read if it exists.
    """
    named = file or (Path(os.environ[FILE_VARIABLE]) if os.environ.get(FILE_VARIABLE) else None)
    source = named or DEFAULT_FILE
    tables = _read(source) if named or source.exists() else {}
    _refuse_unknown_sections(tables, str(source))
    _refuse_unknown_sections(_sections_in_environment(), "environment")
    try:
        return Settings(**tables)
    except SettingsError as error:
        raise ConfigError(f"environment: {error}; write {PREFIX}SECTION__KEY=value") from error
    except ValidationError as error:
        raise ConfigError("\n".join(_complaints(error, source))) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read ({error.strerror}); name another file in {FILE_VARIABLE}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error


def _sections_in_environment() -> list[str]:
    names = [name.upper() for name in os.environ]
    return [
        name.removeprefix(PREFIX).split("__")[0].lower()
        for name in names
        if name.startswith(PREFIX)
    ]


def _refuse_unknown_sections(sections: Iterable[str], where: str) -> None:
    # pydantic-settings would drop such a variable in silence.
    for section in sections:
        if section not in Settings.model_fields:
            raise ConfigError(f"{where}: {section}: {_unknown(section, Settings)}")


def _complaints(error: ValidationError, source: Path) -> Iterable[str]:
    for problem in error.errors():
        path = [str(part) for part in problem["loc"]]
        variable = PREFIX + "__".join(path).upper()
        is_variable = any(name.upper().startswith(variable) for name in os.environ)
        where = f"environment {variable}" if is_variable else str(source)
        yield f"{where}: {'.'.join(path)}: {_how_to_mend(path, problem['type'], problem['msg'])}"


def _how_to_mend(path: list[str], kind: str, message: str) -> str:
    section = Settings.model_fields[path[0]].annotation
    assert isinstance(section, type)
    assert issubclass(section, BaseModel)
    if kind == "extra_forbidden":
        return _unknown(path[1], section)
    if len(path) == 1:
        return f"write it as a table: [{path[0]}], then one key a line"
    return f"{message} ({section.model_fields[path[1]].description})"


def _unknown(name: str, model: type[BaseModel]) -> str:
    known = sorted(model.model_fields)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return f"unknown, remove it or mend it; {hint}"
