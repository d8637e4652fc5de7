"""Canary secrets: what the product is given in confidence leaves it in no byte, however spelled.

`python -m tests.attack.secrets --events 10000000` drives the real service through all that logs or
tells, with canaries where secrets are, and searches every file, answer, stream and socket; then so
many log events, each with a canary in it, go through the real logging pipeline. Ends with 0 if none
was found anywhere.
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tests.attack.secrets_pipeline import Played, play
from tests.attack.secrets_service import drive

PART: int = 50_000
"""Events of one set of canaries."""


def pipeline(events: int, seed: int, processes: int, seconds: float) -> list[Played]:
    """So many events, or as many as time allows, with other canaries every so often."""
    parts = [min(PART, events - at) for at in range(0, events, PART)]
    seeds = range(seed, seed + len(parts))
    with ProcessPoolExecutor(processes) as crew:
        until_s = time.monotonic() + seconds if seconds else math.inf
        return list(crew.map(partial(_before, until_s), parts, seeds))


def _before(until_s: float, events: int, seed: int) -> Played:
    return play(events if time.monotonic() < until_s else 0, seed)


def told(played: list[Played]) -> dict[str, Any]:
    """What they came to together."""
    events, seconds = sum(one.events for one in played), sum(one.seconds for one in played)
    return {
        "events": events,
        "lines": sum(one.lines for one in played),
        "redacted": sum(one.redacted for one in played),
        "mib": sum(one.bytes_seen for one in played) >> 20,
        "events/s of a process": round(events / seconds) if seconds else 0,
        "hits": [hit for one in played for hit in one.hits][:20],
    }


def main() -> None:
    """Drive, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=0.0, help="For the events; 0 for all.")
    parser.add_argument("--only", choices=("service", "pipeline"))
    options = parser.parse_args()
    report: dict[str, Any] = {}
    if options.only != "pipeline":
        with tempfile.TemporaryDirectory() as name:
            report["service"] = drive(Path(name), options.seed)
    if options.only != "service":
        report["pipeline"] = told(
            pipeline(options.events, options.seed, options.processes, options.seconds)
        )
    print(json.dumps(report))
    sys.exit(any(part["hits"] for part in report.values()))


if __name__ == "__main__":
    main()
