"""`python -m liveopt.guard SPEC`: the control process of one service; SPEC is JSON or its file."""

import signal
import sys

INTERRUPTED = 130


def run() -> int:
    """The whole life of the guard; an interrupt amid its imports is an end like any other.

    `liveopt run` holds Ctrl-C back until here, for before this nobody would catch it.
    """
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        from liveopt.guard.life import main

        return main(sys.argv[1:])
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end is quiet, too


if __name__ == "__main__":
    sys.exit(run())
