"""The worker that runs NautilusTrader: many idle strategies on one stream of trades.

Idle: two averages and their comparison on every trade, but never an order. An order there goes
through risk checks, cache and messages that liveopt has no counterpart of, so the idle strategies
are the fair floor. Logging and risk checks are off.
"""

from importlib import import_module
from typing import Any

from tests.bench.link import serve, timed
from tests.bench.market import live_windows, ticks

engine_module: Any = import_module("nautilus_trader.backtest.engine")
config_module: Any = import_module("nautilus_trader.config")
data: Any = import_module("nautilus_trader.model.data")
enums: Any = import_module("nautilus_trader.model.enums")
identifiers: Any = import_module("nautilus_trader.model.identifiers")
objects: Any = import_module("nautilus_trader.model.objects")
currencies: Any = import_module("nautilus_trader.model.currencies")
indicators: Any = import_module("nautilus_trader.indicators")
providers: Any = import_module("nautilus_trader.test_kit.providers")
trading: Any = import_module("nautilus_trader.trading.strategy")

BALANCE = 1e12


class Settings(config_module.StrategyConfig, frozen=True):  # type: ignore[misc, call-arg]
    """The windows of one strategy."""

    instrument_id: Any
    fast: int
    slow: int


class Idle(trading.Strategy):  # type: ignore[misc]
    """Compares two exponential averages on every trade."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.quick = indicators.ExponentialMovingAverage(settings.fast)
        self.calm = indicators.ExponentialMovingAverage(settings.slow)
        self.above = True
        self.crossings = 0

    def on_start(self) -> None:
        """Listen to the instrument's trades."""
        for average in (self.quick, self.calm):
            self.register_indicator_for_trade_ticks(self.config.instrument_id, average)
        self.subscribe_trade_ticks(self.config.instrument_id)

    def on_trade_tick(self, _: Any) -> None:
        """Note whether the averages have crossed."""
        above = self.quick.value > self.calm.value
        if above != self.above:
            self.crossings += 1
            self.above = above


def live(variants: int, count: int) -> dict[str, Any]:
    """CPU seconds of the engine's run over ticks made beforehand."""
    engine = engine_module.BacktestEngine(
        engine_module.BacktestEngineConfig(
            trader_id=identifiers.TraderId("T-001"),
            logging=config_module.LoggingConfig(bypass_logging=True),
            risk_engine=config_module.RiskEngineConfig(bypass=True),
            run_analysis=False,
        )
    )
    instrument = providers.TestInstrumentProvider.btcusdt_binance()
    engine.add_venue(
        venue=identifiers.Venue("BINANCE"),
        oms_type=enums.OmsType.NETTING,
        account_type=enums.AccountType.MARGIN,
        base_currency=None,
        starting_balances=[objects.Money(BALANCE, currencies.USDT)],
        trade_execution=True,
    )
    engine.add_instrument(instrument)
    size = objects.Quantity(0.05, instrument.size_precision)
    engine.add_data(
        [
            data.TradeTick(
                instrument.id,
                instrument.make_price(price),
                size,
                enums.AggressorSide.BUYER,
                identifiers.TradeId(str(number)),
                at_ns,
                at_ns,
            )
            for number, (price, at_ns) in enumerate(zip(*map(list, ticks(count)), strict=True))
        ]
    )
    fast, slow = live_windows(variants)
    strategies = [
        Idle(
            Settings(
                strategy_id=f"S-{number:05d}",
                order_id_tag=f"{number:05d}",
                instrument_id=instrument.id,
                fast=int(fast[number]),
                slow=int(slow[number]),
            )
        )
        for number in range(variants)
    ]
    for strategy in strategies:
        engine.add_strategy(strategy)
    cpu_s, _ = timed(engine.run)
    crossings = sum(s.crossings for s in strategies)
    engine.dispose()
    return {"cpu_s": cpu_s, "crossings": crossings}


if __name__ == "__main__":
    serve({"live": live})
