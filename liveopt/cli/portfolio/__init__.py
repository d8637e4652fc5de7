"""`liveopt portfolio`: portfolios of strategies, from CSV or a panel; a folder of jobs."""

from liveopt.cli.portfolio.command import portfolio

__all__ = ["portfolio"]
