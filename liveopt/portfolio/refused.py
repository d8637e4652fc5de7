"""Why a portfolio cannot be searched: what was asked for does not go with this data."""


class Refused(ValueError):
    """Says what does not go, and how to mend it."""
