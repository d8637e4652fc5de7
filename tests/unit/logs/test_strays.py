"""Nothing goes past the log: neither what libraries say nor what nobody has caught."""

import subprocess
import sys

import pytest

SECRET = "Hunter2-is-no-good-secret"
BEGIN = f"""
import asyncio, gc, logging, sys, threading, warnings
from liveopt import logs
logs.setup()
secret = {SECRET!r}
logs.hide(secret)
class Held:
    def __del__(self):
        raise ValueError(f"held {{secret}}")
class Silent:
    def __str__(self):
        raise ZeroDivisionError
async def lost():
    raise OSError(f"lost {{secret}}")
async def forgotten():
    task = asyncio.create_task(lost())
    await asyncio.sleep(0)
    del task
def end():
    raise SystemExit(3)
"""


def stderr(words: str) -> tuple[int, str]:
    """How a process ends, and what it says of it."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + words], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("raise ConnectionError(f'to {secret}')", "ConnectionError: to [redacted]"),
        ("threading.Thread(target=lambda: {}[secret], name='t').start()", "Exception in thread t"),
        ("held = Held(); del held", "ValueError: held [redacted]"),
        ("asyncio.run(forgotten()); gc.collect()", "OSError: lost [redacted]"),
        ("logging.getLogger('aiohttp').error('no %s', secret)", '"event": "no [redacted]"'),
        ("logging.getLogger('a').error('no %s %s', secret)", '"event": "no %s %s"'),
        ("logging.getLogger('a').log(35, 'no %s', secret)", '"level": "warning"'),
        ("logging.getLogger('a').log(99, 'no %s', secret)", '"level": "critical"'),
        ("logging.getLogger('a').error('no %s', Silent())", '"event": "no %s"'),
        ("logging.getLogger('a').error(Silent())", '"event": "<Silent>"'),
        (
            "try: {}[secret]\nexcept KeyError: logging.getLogger('a').exception('no')",
            "KeyError: '[redacted]'",
        ),
    ],
)
def test_what_nobody_caught_is_said_without_secrets(words: str, said: str) -> None:
    code, text = stderr(words)
    assert said in text
    assert SECRET not in text
    assert code == words.startswith("raise")


def test_a_library_says_no_more_than_before() -> None:
    assert stderr("logging.getLogger('a').info('x')") == (0, "")


def test_a_thread_that_ends_itself_is_no_error() -> None:
    assert stderr("threading.Thread(target=end).start()") == (0, "")


def test_who_has_put_a_hook_of_his_own_keeps_it() -> None:
    own = "sys.excepthook = lambda *_: sys.stderr.write('own')\nlogs.setup()\nraise ValueError"
    assert stderr(own) == (1, "own")
