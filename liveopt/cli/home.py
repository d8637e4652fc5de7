"""What `liveopt` says when it is given no command: how things stand here, and what can be typed."""

from liveopt import __version__
from liveopt.cli.standing import standing
from liveopt.config import ConfigError, find, load

COMMON = """liveopt {version} - {state}
  demo         see it work now: a made-up market, no keys, no network
  init         write liveopt.toml in this folder
  doctor       check this machine
  run          start paper trading       status   how it goes
  stop         emergency stop            resume   after one
  strategies   what there is to run, and its knobs
  backtest     one variant over a file of candles
  sweep        thousands of variants over a file of candles
  data, feed   the exchange's candles and stream, into a file
  sim          an exchange on this machine that speaks KuCoin
  --help       everything"""


def home() -> str:
    """The common commands, and the state of this folder in a line."""
    return COMMON.format(version=__version__, state=state())


def state() -> str:
    """Not initialised, ready, running or halted; and what to do about it where that helps."""
    try:
        settings = load()
    except ConfigError as error:
        first = str(error).partition("\n")[0]
        return f"the settings cannot be used: {first} (see `liveopt config check`)"
    try:
        now = standing(settings)
    except OSError as error:
        return f"{settings.journal.folder} cannot be read: {error.strerror}"
    if now.latch.halted:
        running = "" if now.pid is None else f", {now.who} runs"
        return f'HALTED{running}: {now.latch.reason}; `liveopt resume --reason "..."`'
    if now.pid is not None:
        return f"running, {now.who}; `liveopt status`"
    file = find()
    if file is None and not now.folder.is_dir():
        return "not initialised here; try `liveopt demo`, or `liveopt init`"
    return f"ready, not running ({file or 'no liveopt.toml: the defaults hold'})"
