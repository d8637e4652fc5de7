"""A few thousand of the ids that want to be paths; `make attack-paths` asks a million of them."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from liveopt.web.openapi import PARAMETER
from liveopt.web.routes import ROUTES
from tests.attack.paths import PROGRAMS, places
from tests.attack.paths_ids import DOTS, LASTS, MARK, SLASHES, ids

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
def test_no_id_opens_a_file_outside_and_none_becomes_a_files_name() -> None:
    """In a process of its own: an audit hook stays for as long as its process lives."""
    words = [sys.executable, "-m", "tests.attack.paths", "--ids", "3000"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["ids"] == 3_000
    assert found["fence_sees"] is True
    assert found["opens"]["open"] > 0, "the service opens files of its own"
    assert {"200", "400", "404"} <= set(found["statuses"])


def test_every_route_is_asked_and_in_every_field_of_its_words() -> None:
    found = places()
    for route in ROUTES:
        path = PARAMETER.sub("ma_crossover", route.path)
        own = [one for one in found if one.method == route.method]
        assert any(one.target == f"{path}/@" for one in own), route.path
        if path != route.path:
            assert any(one.target == PARAMETER.sub("@", route.path) for one in own), route.path
        if path in PROGRAMS:
            continue
        for kind, of in (("query", route.query), ("body", route.body)):
            if of is not None:
                assert any(one.kind == kind and one.target.startswith(path) for one in own)


def test_the_ids_know_every_way_of_writing_a_way_up() -> None:
    luck = random.Random(1)
    found = [ids(luck, number) for number in range(20_000)]
    for part in (*DOTS, *SLASHES, *filter(None, LASTS), MARK, "etc/passwd", "keys.pepper"):
        assert any(part in one for one in found), part
    assert max(map(len, found)) > 4_096
    assert not [one for one in found if set(one) & set(" \r\n\t")], "a request's first line"
    assert found[:100] == [ids(luck, n) for luck in [random.Random(1)] for n in range(100)]
