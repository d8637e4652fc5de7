"""Portfolio jobs of the share: what goes on there, and what became of the last ones."""

from math import inf
from typing import Annotated

import msgspec

from liveopt.portfolio.queue.status import Doing, Phase
from liveopt.web.api.words import Page
from liveopt.web.call import Call
from liveopt.web.past import Entry


class Portfolio(msgspec.Struct, frozen=True):
    """The queue as it was at the last look that came to something."""

    share: Annotated[bool, msgspec.Meta(description="Whether `portfolio.share` names a folder.")]
    as_of_ms: Annotated[
        int | None,
        msgspec.Meta(
            description="When it was so, in milliseconds since 1970; null before a look came to"
            " anything."
        ),
    ]
    age_ms: int | None
    stale: Annotated[
        bool,
        msgspec.Meta(
            description="Whether it may not be so any more: the last look failed, or none has"
            " come to anything for ten seconds."
        ),
    ]
    away: Annotated[str, msgspec.Meta(description="Why nothing newer is known; empty where it is.")]
    status: Phase | None
    """`stopped`: no worker runs."""
    progress: int
    """0 to 100, the mean of the jobs at work."""
    current_step: str
    """Of the oldest job at work."""
    jobs: list[Doing]
    """At work, the oldest first."""
    queued: int
    waits: dict[str, str]
    """Files of the queue that cannot begin yet, and why."""
    trouble: str
    """What keeps the worker from its work; empty if nothing does."""
    timestamp: str
    """The worker's last sign of life."""
    history: list[Entry]
    """The newest first."""


async def portfolio(call: Call) -> Portfolio:
    """What is known of it; a share that hangs or is gone is an answer too."""
    share = call.service.share
    await share.look()
    seen, age_s = share.seen, share.age_s()
    age_ms = None if age_s == inf else round(1e3 * age_s)
    if seen is None:
        return Portfolio(
            share.is_set, None, None, share.is_set, share.away(), None, 0, "", [], 0, {}, "", "", []
        )
    found = seen.status
    return Portfolio(
        True, seen.at_ms, age_ms, share.is_stale(), share.away(), found.status, found.progress,
        found.current_step, list(found.jobs), found.queued, found.waits, found.trouble,
        found.timestamp, list(seen.history[: call.asked(Page).limit]),
    )  # fmt: skip
