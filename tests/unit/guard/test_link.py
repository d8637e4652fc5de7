"""The link: commands are answered, the status arrives, the end of one side is the other's end."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from liveopt.guard.link import LINE_MAX, WAITING_MAX, EngineEnd, GuardEnd, LinkDown, Refused, pair


class Ends:
    """Both ends running, and what the engine's heard."""

    def __init__(self) -> None:
        ours, theirs = pair()
        theirs.setblocking(False)
        self.halts: list[str] = []
        self.moved: list[int] = []
        self.guard, self.engine = GuardEnd(ours, self.halts.append), EngineEnd(theirs)


async def echo(command: dict[str, Any]) -> object:
    if "refuse" in command:
        raise Refused(command["refuse"])
    if "sleep" in command:
        await asyncio.sleep(command["sleep"])
    if "long" in command:
        return "x" * command["long"]
    return command


@asynccontextmanager
async def linked(
    answer: Callable[[dict[str, Any]], Awaitable[object]] = echo,
) -> AsyncIterator[Ends]:
    ends = Ends()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(ends.engine.run(answer, ends.moved.append))
        group.create_task(ends.guard.run())
        await asyncio.sleep(0)
        yield ends
        ends.guard.close()


async def until(what: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not what():  # noqa: ASYNC110  what it waits for has no event
            await asyncio.sleep(0.001)


async def test_a_command_is_answered_or_refused() -> None:
    async with linked() as ends:
        said = await ends.guard.ask({"kind": "list", "ids": [1, 2]})
        assert (said.ok, said.body) == (True, {"kind": "list", "ids": [1, 2]})
        said = await ends.guard.ask({"refuse": "no such variant"})
        assert (said.ok, said.body) == (False, {"error": "no such variant"})


async def test_answers_find_their_askers() -> None:
    async with linked() as ends:
        asked = [ends.guard.ask({"n": n}) for n in range(50)]
        assert [said.body for said in await asyncio.gather(*asked)] == [{"n": n} for n in range(50)]


async def test_the_last_status_is_remembered_with_its_time() -> None:
    async with linked() as ends:
        assert ends.guard.status_at_s is None
        for n in range(1_000):  # more than any queue holds: the newest replaces those not sent
            ends.engine.tell({"n": n})
        await until(lambda: ends.guard.status == {"n": 999})
        assert ends.guard.status_at_s is not None


async def test_a_nudge_and_a_wish_to_halt_arrive() -> None:
    async with linked() as ends:
        ends.guard.nudge(5)
        await until(lambda: ends.moved == [5])
        ends.engine.halt("the journal is broken")
        await until(lambda: ends.halts == ["the journal is broken"])


async def test_an_engine_that_does_not_answer_costs_the_wait_and_no_more() -> None:
    async with linked() as ends:
        with pytest.raises(TimeoutError):
            await ends.guard.ask({"sleep": 0.2}, timeout_s=0.02)
        assert (await ends.guard.ask({"next": 1})).body == {"next": 1}


async def test_so_many_commands_at_once_and_no_more() -> None:
    async with linked() as ends, asyncio.TaskGroup() as group:
        asks = [group.create_task(ends.guard.ask({"sleep": 0.001})) for _ in range(WAITING_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(LinkDown, match="under way"):
            await ends.guard.ask({})
        await asyncio.gather(*asks)


async def test_an_answer_too_long_is_refused_and_the_link_lives() -> None:
    async with linked() as ends:
        said = await ends.guard.ask({"long": LINE_MAX})
        assert (said.ok, "bytes" in said.body["error"]) == (False, True)
        assert (await ends.guard.ask({"long": LINE_MAX - 100})).ok


async def test_the_engine_ends_when_the_guard_is_gone() -> None:
    ends = Ends()
    running = asyncio.create_task(ends.engine.run(echo, ends.moved.append))
    await asyncio.sleep(0.01)
    assert not running.done()
    ends.guard.close()
    async with asyncio.timeout(5):
        await running


async def test_who_asks_an_engine_that_dies_is_told() -> None:
    ends = Ends()
    running = asyncio.create_task(ends.guard.run())
    ask = asyncio.create_task(ends.guard.ask({}))
    await asyncio.sleep(0.01)
    ends.engine.close()
    with pytest.raises(LinkDown, match="gone"):
        await ask
    await running


@pytest.mark.parametrize(
    "line",
    [
        *(b"{}x\n", b"[1]\n", b'{"status": 1}\n', b"\xff\n", b'{"a":1}\n'),
        *(b'{"halt": "\xff"}\n', b'{"body": ' + b"[" * 5_000 + b"]" * 5_000 + b"}\n"),
    ],
    ids=range(7),
)
async def test_a_line_that_is_none_ends_the_link(line: bytes) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    guard = GuardEnd(ours, print)
    theirs.sendall(line)
    async with asyncio.timeout(5):
        await guard.run()
    theirs.close()


async def test_a_line_without_an_end_ends_the_link_within_its_limit() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    guard = GuardEnd(ours, print)
    running = asyncio.create_task(guard.run())
    send = asyncio.get_running_loop().sock_sendall
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(send(theirs, b"x" * (4 * LINE_MAX)), 5)
    await running
    theirs.close()


async def test_what_the_engine_s_answerer_raises_is_not_swallowed() -> None:
    async def broken(command: dict[str, Any]) -> object:
        raise ZeroDivisionError

    ends = Ends()
    running = asyncio.create_task(ends.engine.run(broken, ends.moved.append))
    guard = asyncio.create_task(ends.guard.run())
    with pytest.raises(LinkDown):
        await ends.guard.ask({})
    with pytest.raises(ExceptionGroup) as errors:
        await running
    assert isinstance(errors.value.exceptions[0], ZeroDivisionError)
    await guard


def test_without_a_guard_there_is_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVEOPT_LINK", raising=False)
    assert EngineEnd.from_environment() is None


async def test_the_environment_says_which_descriptor_is_the_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = pair()
    monkeypatch.setenv("LIVEOPT_LINK", str(theirs.detach()))
    engine = EngineEnd.from_environment()
    assert engine is not None
    guard = GuardEnd(ours, print)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(engine.run(echo, print))
        group.create_task(guard.run())
        assert (await guard.ask({"a": 1})).body == {"a": 1}
        guard.close()
