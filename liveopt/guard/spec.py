"""What the guard is told: which folder, which processes, which limits."""

from pathlib import Path
from typing import Final

import msgspec

from liveopt.guard.lock import EXIT as LOCKED
from liveopt.logs import Level

CONFIG: Final = 4
"""What the guard ends with when a setting is in the way: the port is taken."""
GAVE_UP: Final = 70
"""What the guard ends with when the engine died too often."""


INTERRUPTED: Final = 130
"""What the guard ends with after Ctrl-C."""


class BadSpec(Exception):
    """The text is no spec."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long the guard waits for what."""

    answer_s: float = 1.0
    """For the engine to acknowledge a stop."""
    latch_s: float = 1.0
    """For the disk to take the latch."""
    command_s: float = 5.0
    """For the engine to answer a command."""
    heartbeat_s: float = 5.0
    """An engine silent for longer is killed and started again."""
    starting_s: float = 60.0
    """The same until its first heartbeat."""
    poll_s: float = 0.1
    """Between two looks at the HALT file and the heartbeat."""
    polite_s: float = 10.0
    """For the engine to end when it is asked to."""
    restarts: int = 5
    """So many restarts in `restarts_in_s`, then the guard gives up."""
    restarts_in_s: float = 60.0
    backoff_s: float = 0.05
    backoff_s_max: float = 5.0
    web_heartbeat_s: float = 10.0
    """A web process silent for longer is killed and started again."""
    web_starting_s: float = 60.0
    """The same until its first heartbeat."""
    web_polite_s: float = 2.0
    """For the web process to end when it is asked to."""
    web_backoff_s_max: float = 60.0
    """Between two starts of a web process that cannot live."""


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One service."""

    state: str
    """The folder of latch, gate, lock and control.json."""
    engine: list[str]
    """Its command line; `{spot}` and the like are filled in from the simulator's first line."""
    sim: list[str] | None = None
    web: list[str] | None = None
    """The command line of the web process; whatever becomes of it, the engine goes on."""
    web_socket: int | None = None
    """The number of the socket that it inherits, bound and listening."""
    port: int = 0
    """Of the door, on 127.0.0.1; 0 takes a free one."""
    port_fallback: bool = False
    """Take a free port if that one is taken, instead of ending with 4."""
    limits: Limits = Limits()
    final: tuple[int, ...] = (0, 2, 4, 6, 7, LOCKED)
    """Exit codes of the engine that a restart would not mend: the guard ends with the same."""
    seed: int = 0
    """Of the jitter between restarts."""
    level: Level = "info"
    """Which log lines are written."""

    @property
    def folder(self) -> Path:
        """The state folder."""
        return Path(self.state)


def read_spec(text: str) -> Spec:
    """From JSON, or from a file that holds it."""
    try:
        raw = text.encode() if text.lstrip().startswith("{") else Path(text).read_bytes()
        spec = msgspec.json.decode(raw, type=Spec)
    except (OSError, msgspec.DecodeError) as error:
        raise BadSpec(f"the guard's spec: {error}") from error
    if not spec.engine:
        raise BadSpec("the guard's spec: engine names no program")
    if spec.web == []:
        raise BadSpec("the guard's spec: web names no program")
    if spec.web_socket is not None and spec.web_socket < 0:
        raise BadSpec(f"the guard's spec: web_socket {spec.web_socket} is none")
    if not 0 <= spec.port <= 65535:
        raise BadSpec(f"the guard's spec: port {spec.port} is none")
    return spec
