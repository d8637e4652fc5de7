"""liveopt: many paper-traded variants of a strategy, scored in one batch."""

__version__ = "0.1.0"
