"""The exchange's API key: from the environment or a private file, never from the settings."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, SecretStr

from liveopt.config.errors import ConfigError

NAMES: Final = ("KUCOIN_API_KEY", "KUCOIN_API_SECRET", "KUCOIN_API_PASSPHRASE")
FILE_VARIABLE: Final = "KUCOIN_API_FILE"
FILE_BYTES_MAX: Final = 4096


class ApiKey(BaseModel):
    """What KuCoin calls key, secret and passphrase; never shown. Paper trading does not use it."""

    model_config = ConfigDict(frozen=True)

    key: SecretStr
    secret: SecretStr
    passphrase: SecretStr
    origin: str
    """Where it came from, in words."""


def read_api_key(environ: Mapping[str, str]) -> ApiKey | None:
    """The key that is set, if one is. Half of one is refused, and so is one that others can read.

    An empty variable counts as not set.
    """
    found = {name: environ[name] for name in NAMES if environ.get(name)}
    origin = "environment"
    if named := environ.get(FILE_VARIABLE):
        if found:
            raise ConfigError(
                f"environment {FILE_VARIABLE}: the API key is given twice; unset it, or"
                f" {', '.join(found)}"
            )
        origin = named
        found = _read(Path(named))
    if not found:
        return None
    if missing := [name for name in NAMES if name not in found]:
        raise ConfigError(
            f"{origin}: the API key is half given: set {' and '.join(missing)} too, or none of the"
            " three; paper trading needs none"
        )
    values = (SecretStr(found[name]) for name in NAMES)
    return ApiKey(**dict(zip(("key", "secret", "passphrase"), values, strict=True)), origin=origin)


def _read(file: Path) -> dict[str, str]:
    """The lines `KUCOIN_API_KEY=...` of a file."""
    found: dict[str, str] = {}
    for number, line in enumerate(_private_text(file).split("\n"), start=1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not name or name.startswith("#"):
            continue
        if name not in NAMES or not equals or name in found:  # what it says may be a secret
            raise ConfigError(
                f"{file}:{number}: write {', '.join(NAMES)}, once each, as NAME=value"
            )
        if value := value.strip("\"'"):
            found[name] = value
    return found


def _private_text(file: Path) -> str:
    """What stands in a file that only its owner can read."""
    try:
        with file.open("rb") as opened:
            about = os.fstat(opened.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_mode & 0o077:
                raise ConfigError(
                    f"{file}: others can read the API key in it, or it is no file; chmod 600 {file}"
                )
            raw = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read ({error.strerror}); mend it or unset {FILE_VARIABLE}"
        ) from error
    if len(raw) > FILE_BYTES_MAX:
        raise ConfigError(f"{file}: is too long; three lines such as {NAMES[0]}=... are enough")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: is not text; write lines such as {NAMES[0]}=...") from None
