"""Two guards of one folder start at the same moment: `python -m tests.guard.races`."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from liveopt.guard import control
from tests.guard.harness import ROOT, spec_of, wait_for


def race(state: Path) -> list[int]:
    """The exit codes of those that did not get to run; the others are killed."""
    words = [
        *(sys.executable, "-m", "liveopt.guard"),
        msgspec.json.encode(spec_of(state, ["sleep", "60"])).decode(),
    ]
    both = [subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        wait_for((state / control.NAME).exists)
        wait_for(lambda: any(one.poll() is not None for one in both))
        return [code for one in both if (code := one.poll()) is not None]
    finally:
        for one in both:
            one.kill()
            one.wait()


def main() -> None:
    """The command line."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--races", type=int, default=100)
    said = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ended = [race(Path(folder) / str(number)) for number in range(said.races)]
    wrong = [codes for codes in ended if codes != [79]]
    print(json.dumps({"races": said.races, "not_exactly_one_refused_with_79": wrong}))


if __name__ == "__main__":
    main()
