"""The other side of the door: stop, resume and ask from another process, even past a dead guard."""

import http.client
import json
import os
import signal
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Final

import msgspec

from liveopt.guard import control, gate, latch, lock
from liveopt.guard.attempt import attempt
from liveopt.guard.clock import WALL
from liveopt.guard.control import read_control
from liveopt.guard.gate import BY_NAME, BadGate, Gate, Mode
from liveopt.guard.latch import Change, Latch

HOST: Final = "127.0.0.1"
BY: Final = "cli"
"""Who it was, where nobody says better: somebody at the command line."""
PATIENCE_S: Final = 0.25
"""A door that has not answered a stop by then is not waited for: the other ways are taken too."""
ANSWER_S: Final = 3.0
ASK_S: Final = 7.0
COMMAND_S: Final = 40.0
"""A command may have to be compiled before it is done."""
ACKNOWLEDGE_S: Final = 1.0
POLL_S: Final = 0.001


class NoAnswer(Exception):
    """The door does not answer."""


class NotRunning(Exception):
    """Nothing runs in this state folder."""

    def __init__(self, state: Path) -> None:
        super().__init__(f"nothing runs in {state.resolve()}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the door said."""

    status: int
    body: dict[str, Any]


def runs(state: Path) -> bool:
    """Whether a service holds this folder."""
    return lock.holder(state / lock.NAME) is not None


def stop(state: Path, mode: Mode, reason: str, by: str = BY) -> dict[str, Any]:
    """Halt what runs here, or what will run next; says how far that got. Never raises.

    The keys of the door's answer, and `running`, and `via`: "door" or "files".
    """
    began_s = time.monotonic()
    errors: list[str] = []
    running = bool(attempt("look who runs", partial(runs, state), errors))
    words = {"mode": mode, "reason": reason, "by": by}
    start = partial(Knock, state, "POST", "/api/optimizer/stop", words)
    knock = attempt("knock", start, errors)  # there may be no memory for its thread
    reply = None if knock is None else knock.reply(PATIENCE_S)
    if reply is None or "latched" not in reply.body:
        said = _stop_by_files(state, Change(reason, by, WALL(), mode), running=running)
        more = said["running"] and not (said["latched"] and not said["not_acknowledged"])
        reply = knock.reply(ACKNOWLEDGE_S) if more and knock is not None else None
        if reply is None or "latched" not in reply.body:
            said["errors"][:0] = errors
            return said | {"took_ms": (time.monotonic() - began_s) * 1e3}
    took_ms = (time.monotonic() - began_s) * 1e3
    return {"running": True, "via": "door", **reply.body, "took_ms": took_ms}


def resume(state: Path, reason: str, number: int | None = None) -> Reply:
    """Ask the guard to let entries through again; the door's answer as it is.

    With the latch's number of a halt, that one alone is ended.
    """
    words = {"reason": reason, "by": BY, "number": number}
    return ask(state, "POST", "/api/optimizer/resume", words)


def command(state: Path, words: Mapping[str, Any]) -> Reply:
    """Hand a command to the engine; its answer is in `body["body"]`."""
    return ask(state, "POST", "/api/optimizer/command", {"command": words}, COMMAND_S)


def status(state: Path) -> dict[str, Any]:
    """What the guard knows, and what the engine said last."""
    return ask(state, "GET", "/api/optimizer/status").body


def ask(
    state: Path,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    timeout_s: float = ASK_S,
) -> Reply:
    """One request; NotRunning or NoAnswer if there is nobody to answer it."""
    reply = Knock(state, method, path, body, timeout_s).reply(timeout_s)
    if reply is not None:
        return reply
    if not runs(state):
        raise NotRunning(state)
    raise NoAnswer(f"the door of the service in {state.resolve()} does not answer")


class Knock:
    """One request under way in a thread of its own, so that it can be waited for in pieces."""

    def __init__(
        self,
        state: Path,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        timeout_s: float = ASK_S,
    ) -> None:
        self._words = (state, method, path, body)
        self._timeout_s = timeout_s
        self._future: Future[Reply | None] = Future()
        Thread(target=self._run, name="knock", daemon=True).start()

    def reply(self, timeout_s: float) -> Reply | None:
        """None if there is none yet, or never will be."""
        try:
            return self._future.result(timeout_s)
        except TimeoutError:
            return None

    def _run(self) -> None:
        self._future.set_result(attempt("knock", self._answer, []))

    def _answer(self) -> Reply | None:
        try:
            return _request(*self._words, timeout_s=self._timeout_s)
        except (OSError, http.client.HTTPException, ValueError, msgspec.DecodeError):
            return None


def _request(
    state: Path, method: str, path: str, body: Mapping[str, Any] | None, *, timeout_s: float
) -> Reply:
    door = read_control(state / control.NAME)
    connection = http.client.HTTPConnection(HOST, door.port, timeout=timeout_s)
    try:
        text = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {door.token}", "Content-Type": "application/json"}
        connection.request(method, path, text, headers)
        response = connection.getresponse()
        said = json.loads(response.read())
    finally:
        connection.close()
    if not isinstance(said, dict):
        raise http.client.HTTPException(f"{path} answered no object")
    return Reply(response.status, said)


def _stop_by_files(state: Path, change: Change, *, running: bool) -> dict[str, Any]:
    """Each way by itself, whatever became of the others; the gate first, for it acts at once."""
    errors: list[str] = []
    shared, number = _shut(state, change.mode, errors) if running else (None, None)
    written = attempt("write the latch", lambda: Latch(state / latch.NAME).set(change), errors)
    if not running:
        # Asked once more, and only now: a guard that takes the lock after this reads what was
        # written, and one that may have read before it was written holds the lock already. Its
        # gate may be the page of the life before, which it makes anew: `_wait` shuts it again.
        running = bool(attempt("look who runs", partial(runs, state), errors))
        shared, number = _shut(state, change.mode, errors) if running else (None, None)
    if running:
        attempt("signal the guard", partial(_signal, state), errors)
    if running or written is None:
        attempt("touch HALT", (state / latch.HALT_FILE).touch, errors)
    said: dict[str, Any] = {
        "running": running,
        "via": "files",
        "latched": written is not None,
        "mode": change.mode if written is None else written.mode,
        "number": number,
        "halt": None if written is None else written.number,
        "seq": None,
        "variants_stopped": None,
        "positions_open": None,
        "not_acknowledged": ["engine"] if running else [],
        "errors": errors,
    }
    if shared is not None and number is not None:
        attempt("read the gate", partial(_wait, shared, BY_NAME[change.mode], said), errors)
    attempt("read the latch", partial(_latched, state, change, said), errors)
    return said


def _shut(state: Path, mode: Mode, errors: list[str]) -> tuple[Gate | None, int | None]:
    """The gate of whoever runs, and the number of its being shut."""
    shared = attempt("find the gate", partial(_gate, state), errors)
    if shared is None:
        return None, None
    shut = partial(shared.shut_from_outside, BY_NAME[mode])
    return shared, attempt("shut the gate", shut, errors)


def _gate(state: Path) -> Gate | None:
    """A guard that is just starting has none yet, and will find the HALT file."""
    try:
        return Gate.open(state / gate.NAME)
    except (FileNotFoundError, BadGate):
        return None


def _wait(shared: Gate, mode: int, said: dict[str, Any]) -> None:
    """Until the engine has acted upon it; shut once more if a resume has opened it meanwhile."""
    until_s = time.monotonic() + ACKNOWLEDGE_S
    while True:
        if shared.wanted < mode:
            said["number"] = shared.shut_from_outside(mode)
        heard = shared.heard
        if heard.number >= said["number"] or time.monotonic() >= until_s:
            break
        time.sleep(POLL_S)
    if heard.number >= said["number"] and shared.wanted >= mode:
        said |= {
            "seq": heard.seq,
            "variants_stopped": heard.variants_stopped,
            "positions_open": heard.positions_open,
            "not_acknowledged": ["slow lane"] if heard.slow_waiting else [],
        }


def _latched(state: Path, change: Change, said: dict[str, Any]) -> None:
    """As it stands now: a resume may have cleared it, the guard has written the same once more."""
    if not said["latched"]:
        return  # what cannot be read counts as halted, but nobody has written it
    found = Latch(state / latch.NAME)
    if not found.read(with_file=False).halted:
        said |= {"latched": False, "halt": None}  # first: the disk may refuse
        found.set(change)
    now = found.read(with_file=False)
    said |= {"latched": now.halted, "halt": now.number if now.halted else None}


def _signal(state: Path) -> None:
    """To whom the lock names: a pid that is left over may be somebody else's by now."""
    pid = lock.holder(state / lock.NAME)
    if pid and _is_guard(pid):
        os.kill(pid, signal.SIGUSR1)


def _is_guard(pid: int) -> bool:
    """The lock may be held by an engine whose guard was killed and whose number was reused."""
    try:
        return b"liveopt.guard" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
