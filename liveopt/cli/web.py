"""`liveopt web`: the process of dashboard and API, which the guard keeps; nobody types it."""

import asyncio
import os
import resource
import signal
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer
from aiohttp import web as http

from liveopt import config
from liveopt.cli import front, plan
from liveopt.guard import patient
from liveopt.guard.web import BEAT, SOCKET, TOKEN
from liveopt.web.connections import Caps, serving

log = structlog.get_logger()

BEAT_S: Final = 0.5
FILES: Final = 8_192
"""For 2,000 sockets, as many connections again, and what is open anyway."""
KEYS: Final = "KUCOIN_API_"
"""Variables that this process has no use for, and therefore does not keep."""


def web(
    # `readable` would refuse a folder that may not be read; the run in it is to be stopped still
    state: Annotated[Path, typer.Option("--state", readable=False)],
    run: Annotated[Path, typer.Option("--run", readable=False)],
    mode: Annotated[str, typer.Option("--mode", help="paper, demo or replay.")] = "paper",
    speed: Annotated[str, typer.Option("--speed")] = "1",
) -> None:
    """The dashboard and the API of a run; `liveopt run` starts it.

    A search that is submitted here reads its candles from the folder `data` of the state folder:
    `ASSET-TIMEFRAME` with the ending .parquet, .feather or .csv, such as `XBTUSDTM-1m.csv`.
    """
    from liveopt.web.app import SERVICE, Setup, make_app

    patient.install()
    _allow_files()
    for name in [name for name in os.environ if name.startswith(KEYS)]:
        del os.environ[name]
    settings = config.load()
    encrypted = front.tls(settings.web)
    listening = _inherited() or front.listening(settings, fallback=False)
    setup = Setup(
        state=state,
        run=run,
        settings=settings,
        mode=mode,
        speed=speed,
        config_hash=plan.config_hash(settings),
        port=listening.getsockname()[1],
        token=os.environ.pop(TOKEN, None),
        webhooks=settings.web.webhooks,
    )
    app = make_app(setup)
    asyncio.run(_serve(app, app[SERVICE].caps, listening, encrypted))


async def _serve(
    app: http.Application, caps: Caps, listening: socket.socket, encrypted: ssl.SSLContext | None
) -> None:
    """Until the guard says that it is over; when the guard is gone, the kernel ends this."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    async with serving(app, caps, listening, encrypted), asyncio.TaskGroup() as group:
        log.info("the dashboard listens", port=listening.getsockname()[1])
        beating = group.create_task(_beat(), name="heartbeat")
        await over.wait()
        beating.cancel()


def _allow_files() -> None:
    """A usual limit is 1,024, which a thousand dashboards would use up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FILES:
        most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def _inherited() -> socket.socket | None:
    """What `liveopt run` has bound."""
    number = os.environ.pop(SOCKET, None)
    return None if number is None else socket.socket(fileno=int(number))


async def _beat() -> None:
    """The guard ends a process of which it hears nothing."""
    number = os.environ.pop(BEAT, None)
    while number is not None:
        with suppress(BlockingIOError):  # it has not read for a while
            os.write(int(number), b".")
        await asyncio.sleep(BEAT_S)
