"""Metrics kept bar by bar equal those that plain formulas find in the whole series."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.account import ASTRAY, FREE, NO_ENTRIES, OUT, Account, Rule, Term, leave
from liveopt.core.market import Fine
from liveopt.core.metrics import DUST, METRICS, Path, heed, mark, sample, summarise, watch

Array = npt.NDArray[np.float64]

CAPITAL = 1_000.0
YEAR = 525_600.0  # minutes

FIELDS = (
    "trades", "wins", "gained", "lost", "roi_sum", "roi_squares", "fees", "losing_most", "refused",
)  # fmt: skip


def term(rule: Rule | None = None) -> Term:
    return Term(rule or Rule(), CAPITAL, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def opened(capital: float = CAPITAL) -> Path:
    inverse = 1.0 / capital
    return Path(capital, inverse, inverse, inverse)


def course(equities: list[float], held: float = 0.0) -> Path:
    """A path marked at each of these equities, every fine bar also a signal bar."""
    a, path = Account(side=held), opened()
    for equity in equities:
        a.cash = equity
        mark(Fine(close=1.0), term(), a, path)
        sample(a, path)
    return path


def rows(a: Account, path: Path) -> dict[str, Array]:
    """The sums of one account as the batch hands them over."""
    found = {n: getattr(a, n) for n in FIELDS} | {n: getattr(path, n) for n in Path.__slots__}
    return {name: np.array([value]) for name, value in found.items()}


def summed(sums: Mapping[str, Array], bars: float, year: float) -> dict[str, Array]:
    with np.errstate(over="ignore"):  # a few minutes, grown to a year, may be infinite
        found: dict[str, Array] = summarise(sums, bars, CAPITAL, year, np)
    return found


def measured(a: Account, path: Path, bars: float, year: float = YEAR) -> dict[str, float]:
    found = summed(rows(a, path), bars, year)
    return {name: float(np.broadcast_to(value, (1,))[0]) for name, value in found.items()}


# marking ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("qty", "worth"), [(0.0, 400.0), (3.0, 700.0), (-3.0, 100.0)])
def test_equity_is_cash_and_the_position_at_the_close(qty: float, worth: float) -> None:
    path = opened()
    mark(Fine(close=100.0), term(), Account(cash=400.0, qty=qty), path)
    assert (path.equity, path.inv_equity) == (worth, 1.0 / worth)


@pytest.mark.parametrize(
    ("equity", "drawdown", "level"),
    [
        (950.0, 0.1, FREE),
        (math.nextafter(950.0, 0.0), 0.0, OUT),
        (2_000.0, math.nextafter(0.1, 1.0), OUT),
        (math.nan, 0.0, OUT),
        (2_000.0, math.nan, OUT),
        (math.inf, 0.0, OUT),
    ],
)
def test_a_limit_is_breached_by_more_than_it_and_by_what_is_no_number(
    equity: float, drawdown: float, level: float
) -> None:
    a, path = Account(), Path(equity=equity, drawdown=drawdown)
    watch(term(Rule()), a, path)
    assert a.barred == FREE
    watch(term(Rule(steered=True)), a, path)
    assert a.barred == level


@pytest.mark.parametrize(
    ("before", "after"),
    [(FREE, OUT), (NO_ENTRIES, OUT), (OUT, OUT), (ASTRAY, ASTRAY)],
)
def test_a_breach_lowers_no_level(before: float, after: float) -> None:
    a = Account(barred=before)
    watch(term(Rule(steered=True)), a, Path(equity=1.0))
    assert a.barred == after


@pytest.mark.parametrize("level", [FREE, NO_ENTRIES, OUT, ASTRAY])
def test_the_pessimistic_account_is_barred_as_the_main_one_is(level: float) -> None:
    a = Account(barred=NO_ENTRIES)
    heed(term(Rule()), Account(barred=level), a)
    assert a.barred == NO_ENTRIES
    heed(term(Rule(steered=True)), Account(barred=level), a)
    assert a.barred == level


@pytest.mark.parametrize("cash", [0.0, -50.0, DUST / 2.0])
def test_a_lost_account_is_worth_a_grain_of_dust(cash: float) -> None:
    path = opened()
    mark(Fine(close=100.0), term(), Account(cash=cash), path)
    sample(Account(cash=cash), path)
    assert path.equity == DUST
    assert path.drawdown == pytest.approx(1.0)
    assert path.returns == pytest.approx(-1.0)


def test_a_late_order_becomes_the_order_when_the_bar_is_over() -> None:
    a = Account(cash=1.0, queue=-1.0)
    mark(Fine(close=1.0), term(), a, opened())
    assert a.want == 0.0
    mark(Fine(close=1.0), term(Rule(late=True)), a, opened())
    assert a.want == -1.0


def test_a_trailing_stop_follows_only_where_there_is_one() -> None:
    fine = Fine(0.0, 100.0, 110.0, 100.0, 105.0)
    for rule, level in ((Rule(), 90.0), (Rule(trail=True), 99.0)):
        a = Account(1.0, 1.0, cash=1.0, low_exit=90.0, best=100.0, arm=105.0, give=0.1)
        mark(fine, term(rule), a, opened())
        assert a.low_exit == pytest.approx(level)


# the series -------------------------------------------------------------------------------------

equities = st.lists(st.floats(10.0, 5_000.0), min_size=2, max_size=50)


@given(equities)
def test_drawdown_is_the_deepest_fall_from_the_peak(series: list[float]) -> None:
    worth = np.array([CAPITAL, *series])
    peaks = np.maximum.accumulate(worth)
    assert course(series).drawdown == pytest.approx(float(np.max(1.0 - worth / peaks)), abs=1e-12)


@given(equities)
def test_metrics_of_the_bars_are_those_of_the_plain_formulas(series: list[float]) -> None:
    path = course(series)
    found = measured(Account(), path, float(len(series)))
    worth = np.array([CAPITAL, *series])
    returns = worth[1:] / worth[:-1] - 1.0
    years = len(series) / YEAR
    spread = float(returns.std(ddof=1))
    falls = np.minimum(returns, 0.0)
    downside = float(np.sqrt(np.mean(falls * falls)))
    assert found["equity"] == series[-1]
    assert found["roi"] == pytest.approx(series[-1] / CAPITAL - 1.0)
    if spread > 1e-5 * float(np.sqrt(np.mean(returns * returns))):
        sharpe = float(returns.mean()) / spread * math.sqrt(YEAR)
        assert found["bar_sharpe"] == pytest.approx(sharpe, rel=1e-6, abs=1e-6)
    if downside > 0.0:
        sortino = float(returns.mean()) / downside * math.sqrt(YEAR)
        assert found["sortino"] == pytest.approx(sortino, rel=1e-9, abs=1e-9)
    if found["max_drawdown"] > 0.0 and series[-1] < CAPITAL:
        growth = (series[-1] / CAPITAL) ** (1.0 / years) - 1.0
        assert found["calmar"] == pytest.approx(growth / found["max_drawdown"], rel=1e-9)


def test_growth_over_a_year_over_the_deepest_fall_is_calmar() -> None:
    path = course([1_100.0, 990.0, 1_210.0, 1_100.0])
    found = measured(Account(), path, 4.0, year=8.0)  # half a year
    assert found["max_drawdown"] == pytest.approx(0.1)
    assert found["calmar"] == pytest.approx((1.1**2 - 1.0) / 0.1)


def test_a_return_is_taken_once_a_signal_bar_and_drawdown_at_every_fine_bar() -> None:
    a, path = Account(), opened()
    for equity in (900.0, 1_200.0, 1_100.0):
        a.cash = equity
        mark(Fine(close=1.0), term(), a, path)
    sample(a, path)
    assert path.returns == pytest.approx(0.1)
    assert path.return_squares == pytest.approx(0.01)
    assert path.drawdown == pytest.approx(0.1)
    assert path.loss_squares == 0.0


def test_exposure_counts_the_signal_bars_with_a_position() -> None:
    path = course([1_000.0] * 3, held=-1.0)
    sample(Account(), path)
    assert measured(Account(), path, 4.0)["exposure"] == 0.75


# the trades -------------------------------------------------------------------------------------


def closed(nets: list[float], margin: float = 500.0) -> Account:
    """An account that has closed trades with these results."""
    a = Account(cash=CAPITAL)
    for net in nets:
        a.side, a.qty, a.margin, a.opened = 1.0, 1.0, margin, a.cash
        a.cash = a.cash + net - 100.0
        leave(100.0, 0.0, 0.0, a)
    return a


def streak(nets: list[float]) -> int:
    longest = now = 0
    for net in nets:
        now = 0 if net > 0.0 else now + 1
        longest = max(longest, now)
    return longest


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


whole = st.integers(-300, 300).map(float)


@given(st.lists(whole, max_size=40))
def test_metrics_of_the_trades_are_those_of_the_plain_formulas(nets: list[float]) -> None:
    found = measured(closed(nets), opened(), 10.0)
    won = [net for net in nets if net > 0.0]
    lost = [-net for net in nets if net <= 0.0]
    rois = np.array(nets) / 500.0
    wanted = {
        "trades": float(len(nets)),
        "win_rate": mean([float(net > 0.0) for net in nets]),
        "profit_factor": sum(won) / sum(lost) if sum(lost) else math.nan,
        "expectancy": mean(nets),
        "avg_win": mean(won),
        "avg_loss": mean(lost),
        "longest_losing": float(streak(nets)),
        "fees": 0.0,
        "refused": 0.0,
    }
    assert {n: found[n] for n in wanted} == pytest.approx(wanted, nan_ok=True, abs=1e-9)
    if len(set(nets)) > 1:
        assert found["trade_sharpe"] == pytest.approx(float(rois.mean() / rois.std()), abs=1e-6)
    else:
        assert math.isnan(found["trade_sharpe"])


def test_fees_and_refusals_are_handed_on() -> None:
    found = measured(Account(fees=12.5, refused=3.0), opened(), 10.0)
    assert (found["fees"], found["refused"]) == (12.5, 3.0)


# what is not defined ----------------------------------------------------------------------------


def undefined(found: Mapping[str, float]) -> set[str]:
    return {name for name, value in found.items() if math.isnan(value)}


OF_TRADES = {"win_rate", "profit_factor", "expectancy", "avg_win", "avg_loss", "trade_sharpe"}
OF_BARS = {"bar_sharpe", "sortino", "calmar"}


def test_without_a_bar_nothing_but_the_money_is_known() -> None:
    found = measured(Account(), opened(), 0.0)
    assert undefined(found) == OF_TRADES | OF_BARS | {"exposure"}
    assert (found["roi"], found["equity"]) == (0.0, CAPITAL)


def test_one_bar_has_no_deviation() -> None:
    found = measured(Account(), course([900.0]), 1.0)
    assert undefined(found) == OF_TRADES | {"bar_sharpe"}


def test_a_market_that_never_moved_has_no_ratios() -> None:
    assert undefined(measured(Account(), course([CAPITAL] * 9), 9.0)) == OF_TRADES | OF_BARS


def test_gains_alone_have_no_downside() -> None:
    found = measured(closed([10.0, 20.0]), course([1_010.0, 1_030.0]), 2.0)
    assert undefined(found) == {"profit_factor", "avg_loss", "sortino", "calmar"}


def test_losses_alone_have_no_mean_win() -> None:
    found = measured(closed([-10.0, -20.0]), course([990.0, 970.0]), 2.0)
    assert undefined(found) == {"avg_win"}
    assert (found["win_rate"], found["profit_factor"]) == (0.0, 0.0)


@given(st.floats(0.01, 400.0), st.integers(1, 30))
def test_equal_trades_have_no_sharpe(net: float, count: int) -> None:
    """Three equal wins used to have one of fifty million: the variance was rounding."""
    found = measured(closed([net] * count, margin=3.0), opened(), 9.0)
    assert "trade_sharpe" in undefined(found)


@given(st.floats(1.01, 1.5), st.integers(2, 30))
def test_equal_returns_have_no_sharpe(growth: float, count: int) -> None:
    path = course([CAPITAL * growth ** (i + 1) for i in range(count)])
    assert "bar_sharpe" in undefined(measured(Account(), path, float(count)))


def test_every_metric_is_explained_and_every_explanation_is_a_metric() -> None:
    assert set(measured(Account(), opened(), 1.0)) == set(METRICS)
    assert all(METRICS.values())


def test_many_accounts_are_summarised_as_each_alone() -> None:
    accounts = [closed([5.0, -3.0, 8.0]), closed([]), closed([-4.0, -4.0])]
    paths = [course([900.0, 1_100.0]), course([1_000.0, 1_000.0]), course([990.0, 980.0])]
    single = [rows(a, p) for a, p in zip(accounts, paths, strict=True)]
    together = {n: np.concatenate([row[n] for row in single]) for n in single[0]}
    found = summed(together, 2.0, YEAR)
    for i, (a, p) in enumerate(zip(accounts, paths, strict=True)):
        alone = measured(a, p, 2.0)
        assert {n: float(v[i]) for n, v in found.items()} == pytest.approx(alone, nan_ok=True)
