"""What is raised when settings cannot be used."""


class ConfigError(Exception):
    """A setting cannot be used; the message names where it stands and how to mend it."""
