"""Rounds of search beside a live run: its recent market in, variants that may join it out."""
