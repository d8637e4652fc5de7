"""Portfolios of strategies: from a table of daily profit and loss to one that can be trusted."""
