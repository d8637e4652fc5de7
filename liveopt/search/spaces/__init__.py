"""Spaces: what candidates are made of."""
