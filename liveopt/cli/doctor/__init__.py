"""`liveopt doctor`: is this machine ready? Each check has a word, a reason and a mend."""

from liveopt.cli.doctor.command import doctor

__all__ = ["doctor"]
