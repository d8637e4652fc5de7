"""The dashboard: is it built, can its port be opened, is its certificate sound?"""

from collections.abc import Iterator
from pathlib import Path

from liveopt.cli import front
from liveopt.cli.doctor.row import Row
from liveopt.config import ConfigError, Settings
from liveopt.guard import lock


def web_rows(settings: Settings) -> Iterator[Row]:
    """A run goes on without any of it."""
    if not settings.web.enabled:
        yield Row("dashboard", "skip", "web.enabled is false")
        return
    if front.is_built():
        yield Row("dashboard", "ok", "built")
    else:
        mend = "make ui; what `pip install liveopt` brings has it already"
        yield Row("dashboard", "warn", "not built; a run has the API alone", mend)
    yield port(settings)


def port(settings: Settings) -> Row:
    """Whether a run could listen where the settings say."""
    wanted, folder = settings.web, Path(settings.journal.folder)
    try:
        front.refuse_open_doors(wanted, folder)
        pid = lock.holder(folder / lock.NAME)
        if pid is not None:
            return Row("web", "skip", "not looked at while a run goes on here")
        front.listening(settings, fallback=False).close()
    except ConfigError as error:
        text, _, mend = str(error).partition("; ")
        return Row("web", "fail", text, mend)
    except OSError as error:  # which another row complains of
        return Row("web", "skip", f"{folder} cannot be read: {error.strerror}")
    if not wanted.port:
        return Row("web", "ok", "any free port (web.port = 0)")
    return Row("web", "ok", f"{wanted.host}:{wanted.port} is free")
