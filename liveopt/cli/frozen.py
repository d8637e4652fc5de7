"""The settings of a run are those it began with: kept in its folder, read at every restart."""

import os
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from liveopt import config
from liveopt.cli import plan
from liveopt.cli.run import began_with
from liveopt.config import ConfigError, Settings
from liveopt.journal.disk import DISK

NAME: Final = "settings.json"


def settings_of(run: Path) -> Settings:
    """Of a run that goes on, what it was begun with; of a new one, those of now.

    Refused where other code than the run's would make its decisions.
    """
    began = began_with(run)
    if began is not None and began.get("code") not in (None, plan.code_hash()):
        raise ConfigError(
            f"{run} was begun with another version of liveopt; put it back, or begin a new run"
            " with --fresh"
        )
    file = run / NAME
    if not file.exists():
        return config.load()
    try:
        return Settings.model_validate_json(file.read_bytes())
    except (ValidationError, OSError) as error:
        raise ConfigError(
            f"{file}: cannot be read as settings; begin a new run with --fresh ({error})"
        ) from error


def keep(run: Path, settings: Settings) -> None:
    """Write them down, once, whole or not at all, for the owner alone."""
    file = run / NAME
    if file.exists():
        return
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    fd = DISK.create(part)
    try:
        DISK.write_all(fd, settings.model_dump_json(indent=1).encode())
        DISK.fsync(fd)
    finally:
        os.close(fd)
    DISK.rename(part, file)
    DISK.fsync_dir(run)
