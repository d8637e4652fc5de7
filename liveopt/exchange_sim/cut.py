"""Cutting a connection the hard way: the other side sees a reset, not an orderly end."""

import asyncio
import socket
import struct


def cut(transport: asyncio.Transport) -> None:
    """Sends a reset and forgets what was not sent yet.

    Without the option an abort is a FIN like any other where the kernel has nothing left to send.
    """
    wire = transport.get_extra_info("socket")
    if wire is not None and wire.fileno() >= 0:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
