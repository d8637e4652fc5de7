"""Signals and trades of the variants as seed 004 speaks of them: returns in percent."""

from typing import Annotated, Any

import msgspec

from liveopt.walk.records import Entered, Trade
from liveopt.web.api.words import Limit, percent
from liveopt.web.call import Call
from liveopt.web.kept import Kept, Wanted

MS_NS = 1_000_000
BY_VARIANT_MAX = 1_000


class Signals(msgspec.Struct, frozen=True):
    """Signals that were acted upon, the newest first."""

    signals: list[dict[str, Any]]
    count: int


class History(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one variant, from one millisecond since 1970 to another, both with all that is in them."""

    variantId: Annotated[str, msgspec.Meta(max_length=200)] = ""  # noqa: N815  the seed's name
    startTime: Annotated[int, msgspec.Meta(ge=0, le=1 << 43)] = 0  # noqa: N815  the seed's name
    endTime: Annotated[int, msgspec.Meta(ge=0, le=1 << 43)] = 1 << 43  # noqa: N815  the seed's name
    limit: Limit = 100

    def wanted(self, *, experimental: bool | None = None) -> Wanted:
        """As it is looked for."""
        return Wanted(
            limit=self.limit, variant=self.variantId, experimental=experimental,
            since_ns=self.startTime * MS_NS, until_ns=(self.endTime + 1) * MS_NS - 1,
        )  # fmt: skip


class Share(msgspec.Struct, frozen=True):
    """What a variant's trades came to."""

    trades: int
    roi: float | None
    """Sum of the returns on margin, in percent."""
    wins: int


class Summary(msgspec.Struct, frozen=True):
    """Of all trades that were asked for, however many are listed.

    `byVariant` has the 1,000 variants with the most of them, and `variants` says how many there
    are. `complete` is false where not all could be counted: with times, older trades than the
    newest 50,000 of the run; else, variants beyond the first 100,000 that traded.
    """

    total: int
    byVariant: dict[str, Share]  # noqa: N815  the seed's name
    variants: int
    complete: bool
    performance: dict[str, float | int | None]


class Experimental(msgspec.Struct, frozen=True):
    """Trades of variants while they were no champion, and what they came to."""

    trades: list[dict[str, Any]]
    summary: Summary


async def signals(call: Call) -> Signals:
    """Entries: signals that were acted upon."""
    found = [_signal(kept) for kept in call.service.tail.entered(call.asked(History).wanted())]
    return Signals(found, len(found))


def _signal(kept: Kept) -> dict[str, Any]:
    record = kept.record
    assert isinstance(record, Entered)
    experimental = kept.place.journal == "experimental-trades"
    return {
        "symbol": record.symbol,
        "type": "BUY" if record.side == "long" else "SELL",
        "price": record.price,
        "timestamp": record.at_ns // MS_NS,
        "metadata": {
            "variantId": record.variant,
            "isExperimental": experimental,
            "generationMethod": "optimizer" if experimental else "main",
        },
    }


async def experimental_trades(call: Call) -> Experimental:
    """Closed trades of the variants, the newest first, and a summary of all of them."""
    tail, wanted = call.service.tail, call.asked(History).wanted(experimental=True)
    found = await tail.find(wanted)
    tally = await tail.tallied(wanted)
    shares = {
        name: Share(own.trades, percent(own.roi), own.wins)
        for name, own in await tally.most(BY_VARIANT_MAX)
    }
    count, wins, roi = tally.all.trades, tally.all.wins, tally.all.roi
    performance = {
        "shown": len(found),
        "winRate": percent(wins / count) if count else None,
        "avgROI": percent(roi / count) if count else None,
    }
    summary = Summary(count, shares, len(tally.by), tally.complete, performance)
    return Experimental([_trade(kept) for kept in found], summary)


def _trade(kept: Kept) -> dict[str, Any]:
    trade = kept.record
    assert isinstance(trade, Trade)
    return {
        "timestamp": trade.at_ns // MS_NS,
        "variant": trade.variant,
        "trade": {
            "symbol": trade.symbol,
            "side": trade.side,
            "size": trade.size,
            "leverage": trade.leverage,
            "entryPrice": trade.entry_price,
            "exitPrice": trade.exit_price,
            "roi": percent(trade.roi),
            "pnl": trade.net,
            "fees": trade.fees,
            "reason": trade.reason,
            "duration": trade.duration_s,
            "metadata": {
                "variantId": trade.variant,
                "isExperimental": trade.experimental,
                "signalStrength": trade.signal_strength,
                "parametersHash": trade.parameters_hash,
                "entryTimestamp": trade.entry_ns // MS_NS,
                "exitTimestamp": trade.at_ns // MS_NS,
            },
        },
        "performance": {"roi": percent(trade.roi), "duration": trade.duration_s},
    }
