"""The command line: the only place that wires the parts together."""

from liveopt.cli.app import app, main

__all__ = ["app", "main"]
