"""Parameters to begin a search with, from a JSON file: a list of them, or of variants with them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from liveopt.optimize.parameters import BadParameter
from liveopt.optimize.studies.plan import Parameter

Records = list[dict[str, Parameter]]
BAD: Final = (msgspec.DecodeError, UnicodeDecodeError)
"""No JSON, or another."""


class _Variant(msgspec.Struct, frozen=True):
    """What matters of one as `liveopt variants list --json` tells it."""

    parameters: dict[str, Parameter]


def read_around(path: Path) -> Records:
    """`[{"fast": 5, "slow": 20}, ...]`, or `[{"parameters": {...}}, ...]`."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BadParameter(f"--around {path}: {error.strerror}") from error
    with suppress(*BAD):
        return [_plain(one.parameters) for one in msgspec.json.decode(text, type=list[_Variant])]
    with suppress(*BAD):
        return [_plain(one) for one in msgspec.json.decode(text, type=Records)]
    raise BadParameter(f'--around {path}: this is no JSON list such as [{{"fast": 5, "slow": 20}}]')


def write_around(path: Path, records: Sequence[Mapping[str, Parameter]]) -> None:
    """The same for `read_around`."""
    path.write_bytes(msgspec.json.encode([dict(one) for one in records]) + b"\n")


def _plain(one: Mapping[str, Parameter]) -> dict[str, Parameter]:
    return {n: v if isinstance(v, str) else float(v) for n, v in one.items()}
