"""Ids that want to be paths: all known ways to write dots, slashes and ends, and chance."""

import random
from typing import Final
from urllib.parse import quote, unquote

MARK: Final = "qz7hx"
"""Stands in many ids: a path with it in it was made from what somebody asked for."""
DOTS: Final = (
    "..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "%25252e%25252e", "%c0%ae%c0%ae", "%c0%2e%c0%2e",
    "%e0%80%ae%e0%80%ae", "%f0%80%80%ae%f0%80%80%ae", "%uff0e%uff0e", "%ef%bc%8e%ef%bc%8e", "....",
    "..;", "..%00", "%u002e%u002e", ".", "%2e", "..%20", "..%09", "&#46;&#46;", "\\u002e\\u002e",
)  # fmt: skip
SLASHES: Final = (
    "/", "%2f", "%2F", "%252f", "%25252f", "\\", "%5c", "%5C", "%255c", "%c0%af", "%c1%9c",
    "%e0%80%af", "%f0%80%80%af", "%ef%bc%8f", "%u2215", "%u2216", "//", "/./", "%00/", "%2f%2f",
)  # fmt: skip
FIRSTS: Final = (
    "", "", "", "/", "//", "%2f", "./", "~/", "~root/", "file:///", "C:\\", "C:%5c",
    "%5c%5c127.0.0.1%5cc$%5c", "%00", "{id}", "http://127.0.0.1/", "*", "-", "$(", "`", "|",
)  # fmt: skip
LASTS: Final = (
    "", "", "", "%00", "%00.json", ".json", ".csv", "/", "%0a", "%0d%0a", "%20", "::$DATA", "%3f",
    "%23", "/.", "/..", "~", ".bak", "-1m.csv", "%ff", "%ed%a0%80", ";", "'", "%22",
)  # fmt: skip
GOALS: Final = (
    "etc/passwd", "etc/hostname", "proc/self/environ", "proc/self/cmdline", "dev/zero", "root",
    "keys.json", "keys.pepper", "sessions", "control.json", "latch", "HALT", "data", "latest",
    "web/app.py", "static/index.html", MARK, MARK, MARK,
)  # fmt: skip
LONG: Final = (255, 256, 1_024, 4_096, 7_000)
DEEP: Final = 12


def ids(luck: random.Random, number: int) -> str:
    """The id of that number, as it stands in a request's first line: without blanks and breaks."""
    kind = luck.random()
    if kind < 0.70:
        return _climbing(luck)
    if kind < 0.80:
        return quote(luck.randbytes(luck.randrange(1, 40)), safe=luck.choice(("", "/.%")))
    if kind < 0.88:
        inner = f"{luck.choice(GOALS)}{number}"
        return luck.choice(FIRSTS) + inner + luck.choice(LASTS)
    if kind < 0.92:
        return luck.choice(("a", "%2e%2e%2f", "../", MARK)) * (luck.choice(LONG) // 8)
    if kind < 0.96:  # what handlers expect, nearly
        return f"{luck.choice(('opt_', 'ma_crossover', '1.0.', 'XBTUSDTM'))}{_climbing(luck)}"
    return "".join(chr(luck.randrange(33, 127)) for _ in range(luck.randrange(1, 60)))


def _climbing(luck: random.Random) -> str:
    dots, slash = luck.choice(DOTS), luck.choice(SLASHES)
    if luck.random() < 0.3:  # one way of writing, or several
        steps = [luck.choice(DOTS) + luck.choice(SLASHES) for _ in range(luck.randrange(1, DEEP))]
    else:
        steps = [dots + slash] * luck.randrange(1, DEEP)
    goal = luck.choice(GOALS).replace("/", slash)
    return luck.choice(FIRSTS) + "".join(steps) + goal + luck.choice(LASTS)


def plain(id_: str) -> str:
    """What a handler may make of it."""
    return unquote(id_, errors="surrogateescape").encode("utf-8", "replace").decode()
