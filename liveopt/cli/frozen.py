"""The settings of a run are those it began with: kept in its folder, read at every restart."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from liveopt import config, whole
from liveopt.cli import plan
from liveopt.config import ConfigError, Settings
from liveopt.journal.places import START, segment_path
from liveopt.journal.reader import Reader
from liveopt.live.pump import INPUTS

NAME: Final = "settings.json"
ENGINES: Final[Mapping[str, Collection[str] | None]] = {
    "kucoin": None,
    "feed": ("settle_ms", "price_band", "rotate_hours"),
    "live": plan.NOT_DECIDING,
    "reoptimize": None,
    "journal": ("segment_mib", "ballast_mib", "snapshot_s", "snapshot_records", "keep_days"),
}
"""What the engine reads of settings that decide nothing. The folder, the port and the guard's
patience are those of now; with other terms a run is not gone on with at all."""


def began_with(run: Path) -> dict[str, Any] | None:
    """What the first line of a run's inputs says of the program that wrote it."""
    if not segment_path(run, INPUTS, START.segment).exists():
        return None
    for line in Reader(run, INPUTS):
        found: dict[str, Any] = json.loads(line.content)
        return found
    return None


def refuse_other_code(run: Path, began: Mapping[str, Any]) -> None:
    """Other code might decide otherwise: a run goes on by the program it began with."""
    if began.get("code") != plan.code_hash():
        raise ConfigError(
            f"{run} was begun with another version of liveopt; put that back, or begin a new run"
            " with --fresh"
        )


def kept(run: Path) -> Settings | None:
    """The settings that a run was begun with; None if they cannot be read."""
    try:
        return Settings.model_validate_json((run / NAME).read_bytes())
    except (ValidationError, OSError):
        return None


def settings_of(run: Path) -> Settings:
    """Of a run that goes on, what it was begun with; of a new one, those of now."""
    if (began := began_with(run)) is not None:
        refuse_other_code(run, began)
    if not (run / NAME).exists():
        return config.load()
    if (found := kept(run)) is None:
        raise ConfigError(f"{run / NAME}: cannot be read as settings; begin anew with --fresh")
    return found


def left_aside(run: Path, settings: Settings) -> list[str]:
    """Settings of now that a run does not take up, since it has those it was begun with."""
    before = kept(run)
    if before is None:
        return []
    return [
        f"{section}.{key}"
        for section, keys in ENGINES.items()
        for key, was in getattr(before, section)
        if (keys is None or key in keys) and was != getattr(getattr(settings, section), key)
    ]


def keep(run: Path, settings: Settings) -> None:
    """Write them down, once: without the addresses that whoever knows them can write to."""
    file = run / NAME
    if file.exists():
        return
    said = settings.model_dump_json(indent=1, exclude={"web": {"webhooks"}})
    whole.write(file, said.encode())
