"""A small web process that keeps the guard's contract: it answers at the socket that it inherits.

`python -m tests.guard.page [--mute | --stubborn]`: what it was given is what it answers with; to
`/hang` it hangs, and to `/die` it dies. With `--stubborn` it does not end when it is asked to.
"""

import json
import os
import signal
import socket
import sys
import threading
import time

from liveopt.guard.web import BEAT, SOCKET, TOKEN


def main() -> None:
    if "--stubborn" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hanging = threading.Event()

    def beat() -> None:
        while not hanging.is_set():
            os.write(int(os.environ[BEAT]), b".")
            time.sleep(0.02)

    if "--mute" not in sys.argv:
        threading.Thread(target=beat, daemon=True).start()
    print("a page on stdout", flush=True)
    with socket.socket(fileno=int(os.environ[SOCKET])) as listening:
        listening.setblocking(True)
        while True:
            connection, _ = listening.accept()
            with connection:
                head = connection.recv(4096)
                if b"/die" in head:
                    os._exit(9)
                if b"/hang" in head:
                    hanging.set()
                    time.sleep(600)
                own = {"pid": os.getpid(), "secret": os.environ.get(TOKEN)}
                body = json.dumps(own).encode()
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)


if __name__ == "__main__":
    main()
