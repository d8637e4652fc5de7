"""Who answers where the dashboard would be: one that lacks a descriptor ends, and begins again."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from liveopt.guard.spec import Spec
from liveopt.guard.stand_in import stand_in
from liveopt.guard.web import WebKeeper


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def answer(port: int) -> bytes:
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        said = await reader.read()
        writer.close()
        return said


async def test_it_says_that_there_is_no_dashboard(listening: socket.socket) -> None:
    task = asyncio.create_task(stand_in(listening.fileno()))
    assert (await answer(listening.getsockname()[1])).startswith(b"HTTP/1.1 503 ")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_without_a_descriptor_it_ends_and_nobody_else_does(listening: socket.socket) -> None:
    with no_descriptor_left():
        async with asyncio.timeout(10):
            await stand_in(listening.fileno())


async def test_what_fails_later_ends_it_and_nobody_else(
    listening: socket.socket, tmp_path: Path
) -> None:
    """Within a group of tasks an error comes as a group."""
    number = os.dup(0)
    os.close(number)  # the lowest that is free: what it takes next
    task = asyncio.create_task(stand_in(listening.fileno()))
    await asyncio.sleep(0)
    with (tmp_path / "file").open("wb") as file:
        os.dup2(file.fileno(), number)  # of which the kernel tells nobody that somebody waits
    with socket.create_connection(listening.getsockname()):
        async with asyncio.timeout(10):
            await task


async def test_one_that_has_ended_is_begun_again(listening: socket.socket) -> None:
    spec = Spec(state=".", engine=["x"], web=["x"], web_socket=listening.fileno())
    keeper = WebKeeper(spec)
    async with asyncio.TaskGroup() as group:
        with no_descriptor_left():
            keeper._cannot_start(group)
            assert keeper._stand_in is not None
            await keeper._stand_in
        keeper._cannot_start(group)
        said = await answer(listening.getsockname()[1])
        keeper._well()
    assert said.startswith(b"HTTP/1.1 503 ")
