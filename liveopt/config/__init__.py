"""Settings: a TOML file, then the environment on top, checked whole before anything starts."""

from liveopt.config.api_key import ApiKey
from liveopt.config.errors import ConfigError
from liveopt.config.portfolio import Portfolio
from liveopt.config.sections import (
    FEE_MAX,
    Account,
    Control,
    Costs,
    Engine,
    Feed,
    Journal,
    Kucoin,
    Live,
    Settings,
)
from liveopt.config.sources import Loaded, examine, find, load, schema
from liveopt.config.text import as_toml, toml_value
from liveopt.config.web import Web

__all__ = [
    "FEE_MAX", "Account", "ApiKey", "ConfigError", "Control", "Costs", "Engine", "Feed", "Journal",
    "Kucoin", "Live", "Loaded", "Portfolio", "Settings", "Web", "as_toml", "examine", "find",
    "load", "schema", "toml_value",
]  # fmt: skip
