"""Connections: a cap on all and on one address, and no time for those who dawdle."""

import asyncio
from pathlib import Path

from tests.unit.web.house import House, house


async def dial(home: House) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", home.port)


async def hung_up(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(5):
            return await reader.read() == b""
    except ConnectionError:
        return True


async def test_of_one_address_there_are_so_many_and_the_next_finds_nobody(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.service.caps.address_max = 5
        home.service.caps.head_s = 60.0
        await home.until(lambda: len(home.service.caps) == 0)
        kept = [await dial(home) for _ in range(5)]
        await home.until(lambda: len(home.service.caps) == 5)
        reader, writer = await dial(home)
        assert await hung_up(reader)
        assert home.service.caps.refused == 1
        for _, one in [*kept, (reader, writer)]:
            one.close()
        await home.until(lambda: len(home.service.caps) == 0)
        assert (await home.ask("GET", "/status")).status == 200


async def test_a_head_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.service.caps.head_s = 0.3
        silent, trickling = await dial(home), await dial(home)
        trickling[1].write(b"GET /status HTTP/1.1\r\nHost: ")
        readers = (silent[0], trickling[0])
        assert await asyncio.gather(*map(hung_up, readers)) == [True, True]
        assert home.service.caps.cut == 2
        for _, writer in (silent, trickling):
            writer.close()


async def test_a_body_that_does_not_come_costs_its_sender_the_connection(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.service.caps.whole_s = 0.3
        reader, writer = await dial(home)
        head = (
            f"POST /api/optimizer/promote HTTP/1.1\r\nHost: 127.0.0.1:{home.port}\r\n"
            f"X-API-Key: {home.key('admin')}\r\nContent-Length: 100\r\n\r\n{{"
        )
        writer.write(head.encode())
        assert await hung_up(reader)
        writer.close()


async def test_a_stop_whose_words_do_not_come_halts_all_the_same(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        reader, writer = await dial(home)
        head = (
            f"POST /api/optimizer/stop HTTP/1.1\r\nHost: 127.0.0.1:{home.port}\r\n"
            f"X-API-Key: {home.key('stop')}\r\nContent-Length: 100\r\n\r\n{{"
        )
        writer.write(head.encode())
        async with asyncio.timeout(5):
            line = await reader.readline()
        assert line.split()[1] in {b"200", b"207"}
        assert home.live.latch.read().halted
        writer.close()


async def test_what_is_no_http_is_told_so_in_our_own_words(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        reader, writer = await dial(home)
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 secret-bytes\r\n\r\n")
        async with asyncio.timeout(5):
            said = await reader.read()
        assert b'"error_code":"BAD_REQUEST"' in said
        assert b"secret-bytes" not in said
        assert b"Content-Security-Policy" in said
        writer.close()
