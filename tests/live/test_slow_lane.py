"""The slow lane with its real worker: whatever a strategy does, the others answer as if alone."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from liveopt.core.events import Bar
from liveopt.slow.lane import (
    Answer,
    Event,
    Failed,
    Lagging,
    Limits,
    SlowLane,
)
from liveopt.walk.variant import Variant

MINUTE_NS = 60_000_000_000

MOODS = '''
"""Says which way the last bars went, and from bar `after` on behaves as its mood is."""

import ctypes
import itertools
import os
import statistics
import time
from dataclasses import dataclass, field

from liveopt.core.strategy import Choice, Knob, Strategy

HOARD = []


@dataclass
class Memory:
    target: float = 0.0
    closes: list = field(default_factory=list)


def misbehave(mood, bar):
    if mood == "raises":
        raise ArithmeticError(f"bar {bar.n:g} is not to my liking")
    if mood == "raises_once" and bar.n == 8:
        raise ArithmeticError("only once")
    if mood == "quits":
        raise SystemExit(3)
    if mood == "loops":
        while True:
            pass
    if mood == "loops_and_swallows":
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
    if mood == "swallows_once":
        try:
            while True:
                pass
        except BaseException:
            pass
    if mood == "sleeps":
        time.sleep(30.0)
    if mood == "says_nan":
        return float("nan")
    if mood == "says_seven":
        return 7.0
    if mood == "says_nothing":
        return "buy"
    if mood == "hoards":
        HOARD.append(bytearray(10 << 30))
    if mood == "exits":
        print("good bye", flush=True)
        os._exit(5)
    if mood == "crashes":
        ctypes.string_at(0)
    if mood == "hangs":
        sum(itertools.repeat(1, 10**11))
    if mood == "prints":
        print("x" * 100_000)
    if mood == "garbles":
        for fd in map(int, os.listdir("/proc/self/fd")):
            if fd < 3:
                continue
            try:
                os.write(fd, b"\\xff" * 64)
            except OSError:
                pass
    return None


def step(bar, k, x, m):
    if bar.n >= k.after:
        said = misbehave(k.mood, bar)
        if said is not None:
            return said
    m.closes = [*m.closes[-6:], bar.close]
    middle = statistics.median(m.closes)
    return 1.0 if bar.close > middle else -1.0 if bar.close < middle else 0.0


STRATEGY = Strategy(
    text="Against nothing but its own mood.",
    step=step,
    memory=Memory,
    knobs={"after": Knob(1, 1_000_000, 1, "bars before the mood shows", whole=True)},
    choices={
        "mood": Choice(
            (
                "fine", "raises", "raises_once", "quits", "loops", "loops_and_swallows",
                "swallows_once", "sleeps", "says_nan", "says_seven", "says_nothing", "hoards",
                "exits", "crashes", "hangs", "prints", "garbles",
            ),
            "fine",
            "what it does",
        )
    },
    warmup=lambda k: k["after"] * 0.0 + 3.0,
)
'''


def bars(count: int, first: int = 0) -> list[Bar]:
    """A market that goes up and down without repeating itself."""
    closes = [100.0 + (i * i * 7919) % 101 / 10.0 for i in range(first, first + count)]
    return [
        Bar(i * MINUTE_NS, c, c + 1.0, c - 1.0, c, 1.0) for i, c in enumerate(closes, start=first)
    ]


def targets(market: list[Bar]) -> list[int]:
    """What a fine variant says, worked out anew: the close against the median of the last seven."""
    found = []
    for i, bar in enumerate(market):
        seen = sorted(b.close for b in market[max(0, i - 6) : i + 1])
        middle = (seen[(len(seen) - 1) // 2] + seen[len(seen) // 2]) / 2.0
        said = (bar.close > middle) - (bar.close < middle)
        found.append(said if i >= 2 else 0)
    return found


def variant(name: str, mood: str = "fine", after: int = 6, symbol: str = "XBTUSDTM") -> Variant:
    parameters: dict[str, float | str] = {
        "after": float(after), "mood": mood, "fraction": 0.1, "leverage": 5.0,
    }  # fmt: skip
    return Variant(name, "moods", symbol, parameters, lane="slow")


@dataclass
class Reader:
    """Reads all that a lane tells."""

    lane: SlowLane
    events: list[Event] = field(default_factory=list)

    async def read(self) -> None:
        while found := await self.lane.get():
            self.events += found

    async def until(self, enough: Callable[[], bool], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not enough():  # noqa: ASYNC110  what it waits for is another process
                await asyncio.sleep(0.005)

    async def restarted(self, times: int) -> None:
        await self.until(lambda: self.lane.restarts >= times)

    def said(self, name: str) -> list[int]:
        return [e.target for e in self.events if isinstance(e, Answer) and e.variant == name]

    def failures(self, name: str = "bad") -> list[Failed]:
        return [e for e in self.events if isinstance(e, Failed) and e.variant == name]

    def stopped(self, name: str = "bad") -> bool:
        return any(failed.stopped for failed in self.failures(name))


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture
def moods(tmp_path: Path) -> Path:
    return write(tmp_path / "moods.py", MOODS)


QUICK = Limits(patience=6.0, grace_s=0.5)


@asynccontextmanager
async def running(moods: Path, limits: Limits = QUICK) -> AsyncIterator[Reader]:
    lane = SlowLane([moods], limits)
    reader = Reader(lane)
    async with asyncio.TaskGroup() as group:
        lane.start(group)
        group.create_task(reader.read())
        async with asyncio.timeout(30.0):
            await lane.ready()
        try:
            yield reader
        finally:
            lane.close()


def queued_s() -> float:
    """How long our thread has waited for a processor that others used: no fault of the lane."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except FileNotFoundError:
        return 0.0


async def note_turns(turns: list[float]) -> None:
    """Notes how long each turn of the loop took, a millisecond of sleep included."""
    loop = asyncio.get_running_loop()
    while True:
        began, queued = loop.time(), queued_s()
        await asyncio.sleep(0.001)
        turns.append(loop.time() - began - (queued_s() - queued))


@pytest.fixture
def _others_objects_stay_out_of_the_collector() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_others_objects_stay_out_of_the_collector")
@pytest.mark.parametrize(
    ("mood", "why", "text"),
    [
        ("raises", "raised", "ArithmeticError: bar 6 is not to my liking (line "),
        ("quits", "raised", "SystemExit: 3"),
        ("loops", "too_slow", "no answer within 50 ms"),
        ("swallows_once", "too_slow", "no answer within 50 ms"),
        ("loops_and_swallows", "too_slow", "could not be interrupted"),
        ("sleeps", "too_slow", "300 ms on the clock"),
        ("says_nan", "not_a_number", "nan is none of -1, 0 and 1"),
        ("says_seven", "not_a_number", "7.0 is none of"),
        ("says_nothing", "not_a_number", "'buy' is none of"),
        ("hoards", "raised", "MemoryError"),
        ("exits", "died", "exit code 5: good bye"),
        ("crashes", "died", "signal 11"),
        ("hangs", "too_slow", "could not be interrupted"),
    ],
)
async def test_a_bad_strategy_costs_only_itself(
    moods: Path, mood: str, why: str, text: str
) -> None:
    market = bars(20)
    turns: list[float] = []
    async with running(moods) as reader:
        noting = asyncio.create_task(note_turns(turns))
        for name in ("first", "bad", "last"):
            reader.lane.add(variant(name, mood if name == "bad" else "fine"), "both")
        for number, bar in enumerate(market):
            assert reader.lane.offer("XBTUSDTM", bar, number)
        await reader.until(lambda: len(reader.said("last")) == len(market) and reader.stopped())
        noting.cancel()
    assert reader.said("first") == reader.said("last") == targets(market)
    assert reader.said("bad") == targets(market)[:5]
    failures = reader.failures()
    assert {failed.why for failed in failures} == {why}
    assert text in failures[0].text
    assert [failed.stopped for failed in failures] == [False] * (len(failures) - 1) + [True]
    # To start a process takes the system as long as it takes to give the child a processor.
    assert max(turns) < (0.02 if reader.lane.restarts == 0 else 0.1)


async def test_one_bad_bar_is_one_answer_less(moods: Path) -> None:
    market = bars(20)
    async with running(moods) as reader:
        reader.lane.add(variant("bad", "raises_once"), "both")
        for number, bar in enumerate(market):
            reader.lane.offer("XBTUSDTM", bar, number)
        await reader.until(lambda: reader.lane.behind == 0)
    assert [(f.why, f.stopped) for f in reader.failures()] == [("raised", False)]
    assert len(reader.said("bad")) == 19


async def test_printing_does_not_disturb(moods: Path) -> None:
    market = bars(20)
    async with running(moods) as reader:
        reader.lane.add(variant("loud", "prints", after=1), "both")
        for number, bar in enumerate(market):
            reader.lane.offer("XBTUSDTM", bar, number)
        await reader.until(lambda: reader.lane.behind == 0)
    assert reader.said("loud") == targets(market)


async def test_bytes_in_the_link_that_are_no_word_cost_the_one_who_wrote_them(moods: Path) -> None:
    market = bars(20)
    numbers = [
        os.open(os.devnull, os.O_RDONLY) for _ in range(32)
    ]  # the link has a high one, as in a busy service
    async with running(moods) as reader:
        for number in numbers:
            os.close(number)
        for name in ("first", "bad", "last"):
            reader.lane.add(variant(name, "garbles" if name == "bad" else "fine"), "both")
        for number, bar in enumerate(market):
            reader.lane.offer("XBTUSDTM", bar, number)
        await reader.until(lambda: reader.lane.behind == 0)
        assert reader.lane.variants() == ["first", "last"]
    assert reader.said("first") == reader.said("last") == targets(market)
    (failed,) = reader.failures()
    assert failed.why == "died"
    assert "wrote into the worker's link" in failed.text


async def test_answers_carry_the_bar_they_are_for(moods: Path) -> None:
    market = bars(5, first=100)
    async with running(moods) as reader:
        reader.lane.add(variant("one"), "both")
        for number, bar in enumerate(market):
            reader.lane.offer("XBTUSDTM", bar, 40 + number)
        await reader.until(lambda: len(reader.said("one")) == 5)
    answers = [e for e in reader.events if isinstance(e, Answer)]
    assert [(a.bar_at_ns, a.number) for a in answers] == [
        (bar.at_ns, 40 + i) for i, bar in enumerate(market)
    ]
    assert all(0.0 < a.took_ms < 250.0 for a in answers)


async def test_a_variant_is_asked_about_its_own_symbol(moods: Path) -> None:
    one, other = bars(9), bars(9, first=50)
    async with running(moods) as reader:
        reader.lane.add(variant("one"), "both")
        reader.lane.add(variant("other", symbol="ETHUSDTM"), "both")
        for number in range(9):
            reader.lane.offer("XBTUSDTM", one[number], number)
            reader.lane.offer("ETHUSDTM", other[number], number)
        await reader.until(lambda: reader.lane.behind == 0)
    assert reader.said("one") == targets(one)
    assert reader.said("other") == targets(other)


async def test_the_history_warms_a_variant_without_answers(moods: Path) -> None:
    market = bars(30)
    async with running(moods) as reader:
        reader.lane.warm("XBTUSDTM", market[:20])
        reader.lane.add(variant("early"), "both")
        for number, bar in enumerate(market[20:25]):
            reader.lane.offer("XBTUSDTM", bar, number)
        reader.lane.add(variant("late"), "both")
        for number, bar in enumerate(market[25:]):
            reader.lane.offer("XBTUSDTM", bar, number)
        await reader.until(lambda: reader.lane.behind == 0)
    assert reader.said("early") == targets(market)[20:]
    assert reader.said("late") == targets(market)[25:]


async def test_one_that_cannot_be_warmed_does_not_begin(moods: Path) -> None:
    async with running(moods) as reader:
        reader.lane.warm("XBTUSDTM", bars(20))
        reader.lane.add(variant("bad", "raises"), "both")
        await reader.until(reader.stopped)
        assert reader.lane.variants() == []
    assert len(reader.failures()) == 3


async def test_spot_is_never_sold_short(moods: Path) -> None:
    market = bars(20)
    async with running(moods) as reader:
        reader.lane.add(variant("spot"), "long")
        for number, bar in enumerate(market):
            reader.lane.offer("XBTUSDTM", bar, number)
        await reader.until(lambda: reader.lane.behind == 0)
    assert reader.said("spot") == [max(target, 0) for target in targets(market)]
    assert -1 in targets(market)


async def test_one_that_is_dropped_is_not_asked_again(moods: Path) -> None:
    market = bars(20)
    async with running(moods) as reader:
        reader.lane.add(variant("one"), "both")
        reader.lane.add(variant("other"), "both")
        for number, bar in enumerate(market[:5]):
            reader.lane.offer("XBTUSDTM", bar, number)
        await reader.until(lambda: reader.lane.behind == 0)
        reader.lane.drop("one")
        for number, bar in enumerate(market[5:]):
            reader.lane.offer("XBTUSDTM", bar, number)
        await reader.until(lambda: reader.lane.behind == 0)
        assert reader.lane.variants() == ["other"]
    assert reader.said("one") == targets(market)[:5]
    assert reader.said("other") == targets(market)


async def test_a_variant_that_its_strategy_does_not_take_is_refused(moods: Path) -> None:
    async with running(moods) as reader:
        reader.lane.add(variant("bad", mood="sulks"), "both")
        await reader.until(reader.stopped)
    (failed,) = reader.failures()
    assert failed.why == "refused"
    assert "mood is one of fine" in failed.text


async def test_a_full_mailbox_takes_no_more_and_says_which_bars_are_missing(moods: Path) -> None:
    market = bars(12)
    async with running(moods, Limits(mailbox_bars=3)) as reader:
        reader.lane.add(variant("one", "sleeps", after=2), "both")
        taken = [reader.lane.offer("XBTUSDTM", bar, i) for i, bar in enumerate(market)]
        assert taken == [True] * 3 + [False] * 9
        await reader.until(lambda: reader.lane.behind == 0)
    lagging = [e for e in reader.events if isinstance(e, Lagging)]
    assert lagging == [Lagging("XBTUSDTM", 9, market[3].at_ns, market[11].at_ns)]


async def test_a_worker_killed_from_outside_is_replaced_and_nobody_is_blamed(moods: Path) -> None:
    market = bars(30)
    async with running(moods) as reader:
        for name in ("one", "other"):
            reader.lane.add(variant(name), "both")
        for number, bar in enumerate(market):
            reader.lane.offer("XBTUSDTM", bar, number)
            await reader.until(lambda: reader.lane.behind == 0)
            if number in (9, 19):
                os.kill(worker_pid(), signal.SIGKILL)
                await reader.restarted(1 if number == 9 else 2)
    assert reader.said("one") == reader.said("other") == targets(market)
    assert not [e for e in reader.events if isinstance(e, Failed)]


async def test_a_lane_that_cannot_live_gives_up_and_says_so(moods: Path) -> None:
    async with running(moods) as reader:
        reader.lane.add(variant("bad"), "both")
        for times in range(3):
            await reader.restarted(times)
            await reader.until(lambda: worker_pid(missing_ok=True) > 0)
            os.kill(worker_pid(), signal.SIGKILL)
        await reader.until(reader.stopped)
        await reader.until(lambda: not reader.lane.offer("XBTUSDTM", bars(1)[0], 1))
        assert await reader.lane.get() == []
    (failed,) = reader.failures()
    assert failed.why == "died"
    assert "has given up: signal 9" in failed.text


async def test_a_ping_says_who_is_in_the_way(moods: Path) -> None:
    market = bars(8)
    async with running(moods, Limits()) as reader:
        reader.lane.add(variant("fine"), "both")
        reader.lane.add(variant("bad", "hangs"), "both")
        for number, bar in enumerate(market[:5]):
            reader.lane.offer("XBTUSDTM", bar, number)
        await reader.until(lambda: reader.lane.behind == 0)
        assert await reader.lane.ping(5.0) == ""
        reader.lane.offer("XBTUSDTM", market[5], 5)
        await reader.until(lambda: len(reader.said("fine")) == 6)
        assert await reader.lane.ping(0.05) == "variant bad"
        await reader.until(reader.stopped)
        await reader.until(lambda: reader.lane.behind == 0)
        assert await reader.lane.ping(5.0) == ""


async def test_a_ping_is_answered_while_variants_are_being_asked(moods: Path) -> None:
    async with running(moods) as reader:
        for number in range(20):
            reader.lane.add(variant(f"s{number}", "sleeps", after=1), "both")
        reader.lane.offer("XBTUSDTM", bars(1)[0], 0)
        await reader.until(lambda: bool(reader.events))
        assert await reader.lane.ping(1.0) == ""
        assert reader.lane.behind == 1


async def test_the_worker_sees_no_secrets(moods: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUCOIN_API_SECRET", "hunter2")
    async with running(moods):
        names = names_in_environment(worker_pid())
    assert names == {"PATH", "HOME", "PYTHONPATH", "OPENBLAS_NUM_THREADS"}


async def test_the_worker_ends_with_the_lane(moods: Path) -> None:
    async with running(moods) as reader:
        reader.lane.add(variant("one", "loops", after=1), "both")
        reader.lane.offer("XBTUSDTM", bars(1)[0], 0)
        pid = worker_pid()
        assert is_alive(pid)
    assert not is_alive(pid)


async def test_a_file_that_is_no_strategy_is_refused_and_the_others_load(
    moods: Path, tmp_path: Path
) -> None:
    texts = {
        "broken.py": "def step(:\n",
        "empty.py": "x = 1\n",
        "raising.py": "raise OSError('no disk')\n",
        "leaving.py": "import os\nos._exit(9)\n",
        "sticky.py": "while True:\n    pass\n",
    }
    for name, text in texts.items():
        write(tmp_path / name, text)
    lane = SlowLane([*(tmp_path / name for name in texts), moods], Limits(load_s=1.0))
    async with asyncio.TaskGroup() as group, asyncio.timeout(40.0):
        lane.start(group)
        await lane.ready()
        lane.close()
    assert lane.loaded.keys() == {"moods"}
    assert lane.refused.keys() == texts.keys()
    assert "(line 1)" in lane.refused["broken.py"]
    assert "has no STRATEGY" in lane.refused["empty.py"]
    assert "no disk" in lane.refused["raising.py"]
    assert "exit code 9" in lane.refused["leaving.py"]
    assert "did not load within 1 s" in lane.refused["sticky.py"]
    assert lane.loaded["moods"].knobs["after"].default == 1
    assert lane.loaded["moods"].text == "Against nothing but its own mood."


async def test_a_file_that_changes_during_the_run_is_not_taken_again(moods: Path) -> None:
    async with running(moods) as reader:
        reader.lane.add(variant("bad"), "both")
        reader.lane.offer("XBTUSDTM", bars(1)[0], 0)
        await reader.until(lambda: reader.lane.behind == 0)
        write(moods, MOODS + "\n# harmless\n")
        os.kill(worker_pid(), signal.SIGKILL)
        await reader.until(reader.stopped)
    assert "has changed since the run began" in reader.lane.refused["moods.py"]
    assert [f.why for f in reader.failures()] == ["refused"]


SERVICE = """
import asyncio, sys
from pathlib import Path
from liveopt.core.events import Bar
from liveopt.slow.lane import Limits, SlowLane
from liveopt.walk.variant import Variant

async def main():
    lane = SlowLane([Path(sys.argv[1])], Limits(grace_s=60.0))
    async with asyncio.TaskGroup() as group:
        lane.start(group)
        await lane.ready()
        p = {"after": 1.0, "mood": "hangs", "fraction": 0.1, "leverage": 5.0}
        lane.add(Variant("bad", "moods", "XBTUSDTM", p, lane="slow"), "both")
        lane.offer("XBTUSDTM", Bar(0, 1.0, 1.0, 1.0, 1.0, 1.0), 0)
        while await lane.ping(0.2) != "variant bad":
            pass
        print(lane._worker._process.pid, flush=True)
        await asyncio.sleep(60.0)

asyncio.run(main())
"""


def test_a_worker_that_hangs_ends_with_a_service_that_is_killed(moods: Path) -> None:
    command = [sys.executable, "-c", SERVICE, str(moods)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        pid = int(service.stdout.readline())
        assert is_alive(pid)
        service.kill()
    until = time.monotonic() + 5.0
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_alive(pid)


def worker_pid(*, missing_ok: bool = False) -> int:
    """The slow worker among our children."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            line = (path.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == os.getpid() and b"liveopt.slow.worker" in line:
            return int(path.parent.name)
    assert missing_ok, "no slow worker"
    return 0


def names_in_environment(pid: int) -> set[str]:
    entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return {entry.partition("=")[0] for entry in entries if entry}


def is_alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] != "Z"
