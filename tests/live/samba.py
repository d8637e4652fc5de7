"""A real Samba server on loopback, and its own client as the Windows side."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHARE = "desk"
START_S = 20.0
CONFIG = """
[global]
  server role = standalone server
  map to guest = Bad User
  guest account = {user}
  interfaces = 127.0.0.1
  bind interfaces only = yes
  smb ports = {port}
  disable netbios = yes
  load printers = no
  printcap name = /dev/null
  disable spoolss = yes
  private dir = {home}/private
  lock directory = {home}/lock
  state directory = {home}/state
  cache directory = {home}/cache
  pid directory = {home}/pid
  ncalrpc dir = {home}/rpc
  log file = {home}/log
[{share}]
  path = {root}
  guest ok = yes
  read only = no
"""


def lacking() -> str:
    """What a test with Samba cannot do without and is not here; empty if all is."""
    missing = [name for name in ("smbd", "smbclient", "smbstatus") if not program(name)]
    return f"no {', '.join(missing)}: install the packages samba and smbclient" if missing else ""


def program(name: str) -> str:
    """Debian keeps servers where not every path looks."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or ""


@dataclass(frozen=True, slots=True)
class Samba:
    """A server with one share that anybody may write."""

    root: Path
    """The share, as the server's own disk has it."""
    config: Path
    port: int

    def client(self, commands: str) -> list[str]:
        """A client's command line; its commands are divided by semicolons."""
        return [
            program("smbclient"), f"//127.0.0.1/{SHARE}", "-p", str(self.port), "-N",
            "-s", str(self.config), "-c", commands,
        ]  # fmt: skip

    async def do(self, commands: str, *, given: bytes = b"") -> str:
        """What a client sees that does that, at once; `put - name` takes what is given."""
        child = await asyncio.create_subprocess_exec(
            *self.client(commands),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await child.communicate(given)
        assert child.returncode == 0, said.decode()
        return said.decode()

    async def begin(self, commands: str) -> asyncio.subprocess.Process:
        """A client that takes its time: what it puts is given to its standard input."""
        return await asyncio.create_subprocess_exec(
            *self.client(commands),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    def opened(self) -> str:
        """What clients have open, as the server tells it."""
        command = [program("smbstatus"), "-L", "-s", str(self.config)]
        return subprocess.run(command, capture_output=True, check=False, text=True).stdout


@contextlib.contextmanager
def samba(home: Path, root: Path) -> Iterator[Samba]:
    """For as long as the context lasts; nothing of it is outside `home`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name in ("private", "lock", "state", "cache", "pid", "rpc"):
        (home / name).mkdir(parents=True)
    config, user = home / "smb.conf", pwd.getpwuid(os.getuid()).pw_name
    config.write_text(CONFIG.format(user=user, port=port, home=home, root=root, share=SHARE))
    command = [program("smbd"), "--foreground", "--no-process-group", f"--configfile={config}"]
    with (home / "out").open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        _wait(server, port, home / "out")
        yield Samba(root, config, port)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # a group of its own: it and its children
        server.wait()


def _wait(server: "subprocess.Popen[bytes]", port: int, out: Path) -> None:
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s:
        assert server.poll() is None, out.read_text(errors="replace")
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            return
        time.sleep(0.05)
    raise TimeoutError(out.read_text(errors="replace"))
