"""Changes of champion by hand, as people make them: commands, processes, journals, a replay."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from liveopt.live.rulings import read_rulings
from liveopt.walk.verdicts import Demoted, Promoted
from tests.kill.stage import Service, Sim, exchange, service, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sim]:
    with exchange(tmp_path_factory.mktemp("sim"), "--speed", "60") as found:
        yield found


@pytest.fixture
def room(tmp_path: Path, sim: Sim) -> Iterator[Service]:
    quick = {"GATE__EVIDENCE_BARS": "1", "GATE__LOOK_EVERY": "1"}
    with service(tmp_path, sim.url, **quick) as found:
        yield found


def test_a_person_promotes_explains_and_rolls_back_and_a_replay_agrees(room: Service) -> None:
    room.start()
    room.at_work()
    listed = json.loads(room.command("variants", "list", "--json").stdout)
    rival = next(one["id"] for one in listed if not one["champion"])
    explained = json.loads(room.command("promotions", "explain", rival, "--json").stdout)
    assert (explained["variant"], explained["champion"]) == (rival, "main")
    refused = room.command("promotions", "rollback", "--reason", "a test")
    assert refused.returncode == 1
    assert "its champion has no predecessor" in refused.stderr
    promoted = room.command("promotions", "promote", rival, "--reason", "a test")
    assert promoted.returncode == 0, promoted.stderr
    assert f"{rival} is champion of XBTUSDTM in place of main; NOT EARNED" in promoted.stdout
    assert room.command("promotions", "promote", rival, "--reason", "again").returncode == 1
    said = room.command("promotions", "explain", rival).stdout
    assert said.startswith(f"{rival}: it is the champion")
    room.at_work(after=room.status()["status"]["seq"])
    told = room.status()["status"]
    assert (told["promotions"], told["gate"]["XBTUSDTM"]["champion"]) == (1, rival)
    assert "1 promotions and 0 demotions since this start" in room.command("status").stdout
    back = room.command("promotions", "rollback", "--reason", "over", "--json")
    assert json.loads(back.stdout)["restored"] == "main"
    wait_for(lambda: room.status()["status"]["gate"]["XBTUSDTM"]["leaders"], 60.0)
    room.end()
    run = room.run
    assert run is not None
    changes = [one.record for one in read_rulings(run).all]
    kinds = [type(one) for one in changes if isinstance(one, Promoted | Demoted)]
    assert kinds == [Promoted, Demoted]
    checked = json.loads(room.command("replay", "logs", "--check", "--json").stdout)
    assert checked["equal"], checked
    ended = room.command("promotions", "explain", rival, "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["champion"] == "main"
