"""Where the dashboard of a run is: a socket that listens before anything runs, and its address.

The socket outlives the processes that answer at it, so the address stays when one is restarted.
"""

import errno
import ipaddress
import os
import secrets
import socket
import ssl
from pathlib import Path
from typing import Final

from liveopt.config import ConfigError, Settings, Web
from liveopt.guard.clock import WALL
from liveopt.guard.web import TOKEN
from liveopt.web.keys import Keys

BACKLOG: Final = 1024
NEIGHBOURS: Final = 100
"""So many ports after the wanted one are tried before any free one will do."""
STATIC: Final = Path(__file__).parents[1] / "web" / "static"
"""The built dashboard."""


def listening(settings: Settings, *, fallback: bool) -> socket.socket:
    """Bound as the settings say; where that port is taken, with `fallback`, the next free one."""
    wanted = settings.web
    ports = [wanted.port]
    if fallback and wanted.port:
        near = range(wanted.port + 1, min(wanted.port + NEIGHBOURS, 65_535))
        ports += [*(port for port in near if port != settings.control.port), 0]
    family = socket.AF_INET6 if ":" in wanted.host else socket.AF_INET
    for port in ports:
        try:
            return socket.create_server((wanted.host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            raise ConfigError(
                f"web.host: {wanted.host}:{port} cannot be listened on: {error.strerror}; set"
                " another, or web.enabled = false"
            ) from error
    raise ConfigError(
        f"port {wanted.port} (web.port) is taken, perhaps by a run in another folder; set"
        " LIVEOPT__WEB__PORT=0 to take a free one, or LIVEOPT__WEB__ENABLED=false"
    )


def refuse_open_doors(wanted: Web, state: Path) -> None:
    """Whoever comes over the network must show a key; so there must be one."""
    tls(wanted)
    if ipaddress.ip_address(wanted.host).is_loopback:
        return
    now_ns = WALL()
    if not any(key.alive(now_ns) for key in Keys(state).all()):
        raise ConfigError(
            f"web.host: {wanted.host} can be reached from the network, and there is no API key;"
            " make one with `liveopt keys create`"
        )


def tls(wanted: Web) -> ssl.SSLContext | None:
    """How it is encrypted; None is plain HTTP."""
    if not wanted.certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(wanted.certificate, wanted.certificate_key or None, _no_password)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"web.certificate: {wanted.certificate} cannot be used: {error.strerror or error};"
            " name PEM files of a certificate and its key, without a password"
        ) from error
    return context


def _no_password() -> str:
    """Else OpenSSL would ask whoever sits at the terminal."""
    return ""


def address(wanted: Web, port: int) -> str:
    """Where a browser on this machine, or a name that the settings give, finds it."""
    scheme = "https" if wanted.certificate else "http"
    if wanted.names:
        name = wanted.names[0]
        return name if "://" in name else f"{scheme}://{name}"
    ip = ipaddress.ip_address(wanted.host)
    if ip.is_unspecified:
        ip = ipaddress.ip_address("127.0.0.1" if ip.version == 4 else "::1")
    host = f"[{ip}]" if ip.version == 6 else str(ip)
    return f"{scheme}://{host}:{port}"


def link() -> str:
    """A one-time token for the address's fragment, put where only the web process is given it.

    A fragment is not sent to any server, and an environment is not shown to other users.
    """
    token = secrets.token_urlsafe(32)
    os.environ[TOKEN] = token
    return token


def is_built() -> bool:
    """Whether there is a dashboard to show; the API needs none."""
    return (STATIC / "index.html").is_file()
