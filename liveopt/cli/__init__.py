"""The command line: the only place that wires the parts together."""

import sys

URGENT = ("stop", "resume", "status")
"""An emergency stop does not wait until a compiler has been imported."""

INTERRUPTED = 130


def main() -> None:
    """Run the command line."""
    try:
        _run()
    except KeyboardInterrupt:  # amid the imports
        sys.exit(INTERRUPTED)


def _run() -> None:
    if len(sys.argv) > 1 and sys.argv[1] in URGENT:
        from liveopt.cli.urgent import run

        run()
        return
    from liveopt.cli.app import main as run_any

    run_any()
