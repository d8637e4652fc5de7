"""What an operator may say, what is refused, and that a replay reads the same."""

from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from liveopt.guard.gate import HALT
from liveopt.guard.link import Refused
from liveopt.journal.disk import Disk
from liveopt.live.commands import IDS_MAX, LISTED_MAX, NOTED_MAX, Commands
from liveopt.live.recover import recover_run
from liveopt.live.replay import Replay
from liveopt.live.rounds import Progress, Rounds, Schedule
from liveopt.walk.events import ACT_TEXT_MAX, ACTS_MAX, Deed, Demote, Noted, Promote
from liveopt.walk.explain import explain
from liveopt.walk.image import image
from liveopt.walk.lines import read_input, read_record
from liveopt.walk.records import DECISIONS, Act
from tests import contest
from tests.run import (
    SYMBOL,
    Live,
    appended,
    contents,
    opening,
    strategies,
    ticks,
    variant,
    variants,
)
from tests.seeking import Kept

MARKET = ticks(200, step_s=20.0)


@pytest.fixture
def live(tmp_path: Path) -> Any:
    found = Live(tmp_path)
    found.take([*opening(variants(6)), *MARKET[:100]])
    yield found
    found.close()


async def ask(live: Live, **command: Any) -> Any:
    return await Commands(live.pump, strategies()).answer(command)


def plain(name: str, **changed: Any) -> dict[str, Any]:
    """A variant as JSON has it: whole numbers are no floats there."""
    found: dict[str, Any] = msgspec.to_builtins(variant(name))
    whole = {
        n: int(v) if isinstance(v, float) and v.is_integer() else v
        for n, v in found["parameters"].items()
    }
    return found | {"parameters": whole | changed}


async def test_a_variant_that_came_as_json_replays_to_the_same_bytes(live: Live) -> None:
    said = await ask(live, kind="add", variants=[plain("new1"), plain("new2")], by="ann")
    assert said == {"done": ["new1", "new2"], "refused": {}}
    assert live.writer.durable["inputs"] == live.pump.seq
    live.take(MARKET[100:101])
    found = live.state.find("new1")
    assert found is not None
    assert found[3].variant == variant("new1")
    live.take(MARKET[101:])
    before = image(live.state)
    live.close()
    assert image(recover_run(live.folder, strategies()).state) == before
    replay = Replay(live.folder, strategies())
    assert len(list(replay.steps())) == live.pump.seq
    assert replay.difference is None


async def test_who_cannot_be_added_is_named_and_the_others_are_added(live: Live) -> None:
    taken, strange = plain("v000"), plain("strange") | {"symbol": "ETHUSDTM"}
    said = await ask(live, kind="add", variants=[taken, plain("good"), strange])
    assert said["done"] == ["good"]
    assert said["refused"] == {
        "v000": "there is or was one of this name",
        "strange": "no market ETHUSDTM",
    }


@pytest.mark.parametrize(
    ("variants_", "why"),
    [
        (None, "variants: Expected `array`"),
        ([], "one at least"),
        (["v1"], "Expected `object`"),
        ([{"id": "x"}], "missing required field"),
        ([plain("x") | {"parameters": [1]}], "Expected `object`"),
        ([plain("x", fast=True)], "got `bool`"),
        ([plain("x", fast=[1])], "got `array`"),
        ([plain("x", fast=99)], "fast < slow"),
        ([plain("x", sparkle=1)], "no parameter sparkle"),
        ([plain("x", **{"~b": 1})], "no parameter ~b"),
        ([plain("x") | {"strategy": "sparkle"}], "no strategy 'sparkle'"),
        ([plain("x") | {"lane": "slow"}], "slow lane"),
    ],
)
async def test_what_is_no_variant_is_refused_in_words_and_nobody_is_added(
    live: Live, variants_: Any, why: str
) -> None:
    before = live.pump.seq
    with pytest.raises(Refused, match=why):
        await ask(live, kind="add", variants=variants_)
    assert live.pump.seq == before


async def test_pause_resume_and_retire_say_what_was_done(live: Live) -> None:
    said = await ask(live, kind="pause", ids=["v000", "nobody"], by="ann", why="lunch")
    assert said == {"done": ["v000"], "refused": {"nobody": "there is no such variant"}}
    assert (await ask(live, kind="variants", id="v000"))["variants"][0]["status"] == "paused"
    assert (await ask(live, kind="resume", ids=["v000"]))["done"] == ["v000"]
    assert (await ask(live, kind="retire", ids=["v000"]))["done"] == ["v000"]
    again = await ask(live, kind="retire", ids=["v000"])
    assert again == {"done": [], "refused": {"v000": "it is retired"}}


@pytest.mark.parametrize(
    "command",
    [
        {},
        {"kind": "sparkle"},
        {"kind": ["pause"]},
        {"kind": "variants", "limit": 0},
        {"kind": "variants", "limit": LISTED_MAX + 1},
        {"kind": "variants", "limit": "ten"},
        {"kind": "pause"},
        {"kind": "pause", "ids": []},
        {"kind": "pause", "ids": "v000"},
        {"kind": "retire", "ids": ["v000"] * (IDS_MAX + 1)},
    ],
)
async def test_what_is_no_command_is_refused(live: Live, command: dict[str, Any]) -> None:
    before = live.pump.seq
    with pytest.raises(Refused):
        await ask(live, **command)
    assert live.pump.seq == before


ACT: dict[str, Any] = {
    "what": "POST /api/v1/rounds",
    "by": "key 1a",
    "detail": "number 3",
    "wall_ms": 1_700,
}


async def test_an_act_is_on_the_disk_before_it_is_acknowledged_and_replays(live: Live) -> None:
    said = await ask(live, kind="note", acts=[ACT, ACT | {"by": "session 2b"}])
    assert said == {"noted": 2}
    assert live.writer.durable["inputs"] == live.pump.seq
    live.take(MARKET[100:])
    live.close()
    found = [read_record(line) for line in contents(live.folder)[DECISIONS]]
    at_ns = MARKET[99].at_ns
    assert [record for record in found if isinstance(record, Act)] == [
        Act(at_ns, "POST /api/v1/rounds", "key 1a", "number 3", 1_700),
        Act(at_ns, "POST /api/v1/rounds", "session 2b", "number 3", 1_700),
    ]
    events = [read_input(line) for line in contents(live.folder)["inputs"]]
    assert Noted(at_ns, (Deed(**ACT), Deed(**ACT | {"by": "session 2b"}))) in events
    replay = Replay(live.folder, strategies())
    assert len(list(replay.steps())) == live.pump.seq
    assert replay.difference is None


async def test_an_act_that_is_told_again_is_noted_once(live: Live) -> None:
    commands = Commands(live.pump, strategies())
    others = [ACT | {"detail": f"number {n}"} for n in range(NOTED_MAX + 1)]
    batches = [others[n : n + ACTS_MAX] for n in range(0, len(others), ACTS_MAX)]
    wanted = [([ACT, ACT], 1), ([ACT, ACT | {"wall_ms": 1}], 1), ([ACT], 0)]
    wanted += [(batch, len(batch) - batch.count(ACT)) for batch in batches]
    wanted += [([others[-1]], 0), ([ACT], 1)]
    for acts, count in wanted:
        assert await commands.answer({"kind": "note", "acts": acts}) == {"noted": count}
    assert len(commands.noted) == NOTED_MAX
    live.close()
    events = [read_input(line) for line in contents(live.folder)["inputs"]]
    kept = [act for event in events if isinstance(event, Noted) for act in event.acts]
    assert len(kept) == sum(count for _, count in wanted)


@pytest.mark.parametrize(
    ("acts", "why"),
    [
        (None, "acts: Expected `array`"),
        ([], "1 to 100"),
        ([ACT] * (ACTS_MAX + 1), "1 to 100"),
        ([{"what": "x"}], "missing required field"),
        ([ACT | {"by": 7}], "Expected `str`"),
        *[([ACT | {k: "x" * (ACT_TEXT_MAX + 1)}], "characters") for k in ("what", "by", "detail")],
        ([ACT | {"wall_ms": -1}], "milliseconds"),
        ([ACT | {"wall_ms": 1 << 70}], "milliseconds"),
    ],
)
async def test_what_is_no_act_is_refused_whole(live: Live, acts: Any, why: str) -> None:
    before = live.pump.seq
    with pytest.raises(Refused, match=why):
        await ask(live, kind="note", acts=acts)
    assert live.pump.seq == before


async def test_acts_wait_for_a_run_that_has_not_begun(tmp_path: Path) -> None:
    live = Live(tmp_path / "fresh")
    with pytest.raises(Refused, match="not begun"):
        await ask(live, kind="note", acts=[ACT])
    assert live.pump.seq == 0
    live.close()


async def test_nobody_joins_a_run_that_has_not_begun(tmp_path: Path) -> None:
    live = Live(tmp_path / "fresh")
    with pytest.raises(Refused, match="not begun"):
        await ask(live, kind="add", variants=[plain("x")])
    live.close()


async def test_variants_are_listed_up_to_a_limit(live: Live) -> None:
    found = (await ask(live, kind="variants", limit=3))["variants"]
    assert len(found) == 3
    assert found[0]["champion"]
    assert found[0]["symbol"] == SYMBOL
    assert len((await ask(live, kind="variants"))["variants"]) == 7


async def test_a_journal_that_breaks_is_told_and_not_the_end_of_the_link(live: Live) -> None:
    live.writer._fail(OSError("no disk"))
    with pytest.raises(Refused, match="no disk"):
        await ask(live, kind="pause", ids=["v000"])


async def test_an_event_left_half_done_is_told(live: Live) -> None:
    live.pump.sound = False
    with pytest.raises(Refused, match="half done"):
        await ask(live, kind="retire", ids=["v000"])


@pytest.fixture
def rivals(tmp_path: Path) -> Any:
    """A run in which one has passed the gate and waits for consent."""
    found = Live(tmp_path)
    gate = msgspec.structs.replace(contest.GATE, auto=False)
    found.take([*contest.opening(gate), *contest.waves(200)])
    yield found
    found.close()


async def test_consent_makes_champion_by_the_verdict_that_holds(rivals: Live) -> None:
    said = await ask(rivals, kind="promote", variant="quick", by="ann", why="I have read it")
    assert rivals.writer.durable["inputs"] == rivals.pump.seq
    assert (said["variant"], said["predecessor"], said["symbol"]) == ("quick", "main", SYMBOL)
    assert (said["earned"], said["verdict"]) == (True, "XBTUSDTM-1-2")
    assert (said["by"], said["why"]) == ("ann", "I have read it")
    back = await ask(rivals, kind="demote", why="it trades too much")
    assert (back["variant"], back["restored"]) == ("quick", "main")
    assert (back["earned"], back["by"]) == (False, "operator")
    kinds = [read_input(r.content) for r in appended(rivals.folder)[-2:]]
    assert [type(kind) for kind in kinds] == [Promote, Demote]
    replay = Replay(rivals.folder, strategies())
    assert len(list(replay.steps())) == rivals.pump.seq
    assert replay.difference is None


async def test_without_a_verdict_a_promotion_is_not_earned(rivals: Live) -> None:
    said = await ask(rivals, kind="promote", variant="late", why="a hunch")
    assert (said["earned"], said["verdict"]) == (False, "")


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ({"kind": "promote", "variant": "nobody", "why": "x"}, "nobody: there is no such variant"),
        ({"kind": "promote", "variant": "main", "why": "x"}, "main: it is the champion"),
        ({"kind": "promote", "variant": "quick"}, "why is the reason"),
        ({"kind": "promote", "variant": "quick", "why": "  "}, "why is the reason"),
        ({"kind": "promote", "variant": "quick", "why": "x" * 2_000}, "why is the reason"),
        ({"kind": "promote", "why": "x"}, "variant is a name"),
        ({"kind": "promote", "variant": ["quick"], "why": "x"}, "variant is a name"),
        ({"kind": "promote", "variant": "q" * 201, "why": "x"}, "variant is a name"),
        ({"kind": "demote", "why": "x"}, "main|its champion has no predecessor"),
        ({"kind": "demote", "symbol": "ETHUSDTM", "why": "x"}, "ETHUSDTM: there is no such market"),
        ({"kind": "demote", "symbol": 7, "why": "x"}, "symbol is a name"),
        ({"kind": "demote"}, "why is the reason"),
        ({"kind": "explain", "id": "nobody"}, "there is no variant nobody"),
        ({"kind": "explain"}, "there is no variant"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_in_words(
    rivals: Live, command: dict[str, Any], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        await ask(rivals, **command)
    assert (await ask(rivals, kind="variants", id="main"))["variants"][0]["champion"]


async def test_with_several_symbols_a_rollback_names_one(tmp_path: Path) -> None:
    live = Live(tmp_path)
    with pytest.raises(Refused, match="symbol is one of none yet"):
        await ask(live, kind="demote", why="x")
    live.close()


async def test_an_explanation_is_that_of_the_state_and_changes_nothing(rivals: Live) -> None:
    before = rivals.pump.seq
    said = await ask(rivals, kind="explain", id="late")
    assert said == msgspec.to_builtins(explain(rivals.state, "late"))
    assert said["status"] == "active"
    assert rivals.pump.seq == before


class Stuck(Disk):
    """A disk that never comes back from a sync, until it is let go."""

    def __init__(self) -> None:
        self.stuck = False
        self.free = Event()

    def fdatasync(self, fd: int) -> None:
        if self.stuck:
            self.free.wait()
        super().fdatasync(fd)


async def test_a_command_that_the_disk_does_not_confirm_says_so(tmp_path: Path) -> None:
    disk = Stuck()
    live = Live(tmp_path, disk=disk)
    live.take(opening(variants(6)))
    await live.pump.written()
    disk.stuck = True
    try:
        with pytest.raises(Refused, match="taken, but the disk has not confirmed it yet"):
            await ask(live, kind="pause", ids=["v000"])
    finally:
        disk.free.set()
        live.close()


async def search(live: Live, rounds: Rounds | None, **more: str) -> Any:
    """Ask for a round."""
    words = {"kind": "reoptimize"} | more
    return await Commands(live.pump, strategies(), lambda: rounds).answer(words)


async def test_a_round_that_is_asked_for_has_a_number_and_is_no_input(live: Live) -> None:
    rounds = Rounds(live.pump, Kept(), Schedule(0, on_regime=False))
    rounds.progress.number = 4
    before = live.pump.seq
    for _ in range(2):  # one that has not begun yet is the same one
        assert await search(live, rounds) == {"began": True, "number": 5}
    assert live.pump.seq == before


@pytest.mark.parametrize(("said", "whose"), [({"by": "key a1"}, "key a1"), ({}, "operator")])
async def test_a_round_that_is_asked_for_knows_by_whom(
    live: Live, said: dict[str, str], whose: str
) -> None:
    rounds = Rounds(live.pump, Kept(), Schedule(0, on_regime=False))
    await search(live, rounds, **said)
    assert (await rounds._open("asked")).by == whose


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (Progress(4, "searching"), {"began": False, "number": 4}),
        (Progress(4, "proposing"), {"began": False, "number": 4}),
        (Progress(4, "ended"), {"began": True, "number": 5}),
        (Progress(4, "given up"), {"began": True, "number": 5}),
        (Progress(4, "none"), {"began": True, "number": 5}),
    ],
)
async def test_of_the_round_under_way_the_number_is_told(
    live: Live, progress: Progress, said: dict[str, Any]
) -> None:
    rounds = Rounds(live.pump, Kept(), Schedule(0, on_regime=False), progress)
    assert await search(live, rounds) == said


async def test_no_round_is_promised_in_a_halt_or_before_the_run_has_begun(live: Live) -> None:
    with pytest.raises(Refused, match="not begun"):
        await search(live, None)
    rounds = Rounds(live.pump, Kept(), Schedule(0, on_regime=False))
    live.stop(HALT)
    live.take(MARKET[100:101])
    with pytest.raises(Refused, match="`liveopt resume` first"):
        await search(live, rounds)
    live.resume()
    live.take(MARKET[101:102])
    assert (await search(live, rounds))["began"]
