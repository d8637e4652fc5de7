"""Risks of seeded series as skfolio reckons them, and how to reckon them again.

    pip install skfolio==1.12.2 && python -m tests.unit.portfolio.golden

Where skfolio defines otherwise it is asked what comes to the same:

- its value at risk is the smallest loss exceeded with probability 5 % at most, ours lies on a line
  between two observations: they meet where (sessions - 1) / 20 and (sessions - 1) / 100 are whole;
- its CVaR shares the observation on the boundary out, ours is the mean of all up to the value at
  risk: they meet where sessions / 20 and sessions / 100 are whole;
- its Sortino ratio has the semi-deviation of all sessions about 0, ours (the legacy's) the standard
  deviation of the losing ones, which is asked of those alone;
- its ratios know no year and its deviation is that of a sample unless `biased`;
- its equity begins at 0, ours where the first session ends: they meet where the first one wins.
"""

from importlib import import_module
from random import Random
from typing import Any, Final

PERIODS: Final = 252.0
RISK_FREE: Final = 0.02
SERIES: Final = {"500 sessions": (500, 11), "501 sessions": (501, 12), "a bad year": (300, 13)}
"""Sessions and seed."""
GOLDEN: Final[dict[str, dict[str, float]]] = {
    "500 sessions": {
        "volatility": 0.24458742492930344,
        "sharpe": 1.4691246723866906,
        "sortino": 2.6431614746395335,
        "max_drawdown": 0.2047158231084632,
        "calmar": 1.8529560380791361,
        "semi_deviation": 0.009633611730659216,
        "cvar95": -0.028450120425844147,
        "cvar99": -0.038234060864098855,
    },
    "501 sessions": {
        "volatility": 0.24316350691330435,
        "sharpe": 1.536778747603475,
        "sortino": 2.600927172210746,
        "max_drawdown": 0.2930962124362538,
        "calmar": 1.3432057219187747,
        "semi_deviation": 0.00990345019190347,
        "var95": -0.022757900416217777,
        "var99": -0.03598212866615474,
    },
    "a bad year": {
        "volatility": 0.228158072050955,
        "sharpe": -3.4418366335350195,
        "sortino": -5.160572022126182,
        "max_drawdown": 0.9604856976432682,
        "calmar": -0.7967664823114642,
        "semi_deviation": 0.01207623388445686,
        "cvar95": -0.033763439241186556,
        "cvar99": -0.04333741068237541,
    },
}
"""Made by skfolio 1.12.2."""


def returns_of(name: str) -> list[float]:
    """A series of daily returns; the first wins."""
    count, seed = SERIES[name]
    luck = Random(seed)
    drift = -0.002 if name == "a bad year" else 0.001
    found = [drift + 0.01 * luck.gauss(0.0, 1.0) * (1.0 + luck.random()) for _ in range(count)]
    return [abs(found[0]), *found[1:]]


def asked(name: str) -> dict[str, float]:
    """What skfolio says of it, in our words, where the definitions meet."""
    measures: Any = import_module("skfolio.measures")
    numpy: Any = import_module("numpy")
    returns = numpy.array(returns_of(name))
    count, lost = len(returns), returns[returns < 0.0]
    yearly, root = PERIODS * float(measures.mean(returns)), PERIODS**0.5
    spread = float(measures.standard_deviation(returns, biased=True)) * root
    down = float(measures.standard_deviation(lost, biased=True)) * root
    fall = float(measures.max_drawdown(measures.get_drawdowns(returns)))
    found = {
        "volatility": spread,
        "sharpe": (yearly - RISK_FREE) / spread,
        "sortino": (yearly - RISK_FREE) / down,
        "max_drawdown": fall,
        "calmar": yearly / fall,
        "semi_deviation": float(
            measures.semi_deviation(returns, min_acceptable_return=0.0, biased=True)
        ),
    }
    for tail, one_in in (("95", 20), ("99", 100)):
        beta = 1.0 - 1.0 / one_in
        if (count - 1) % one_in == 0:
            found[f"var{tail}"] = -float(measures.value_at_risk(returns, beta))
        if count % one_in == 0:
            found[f"cvar{tail}"] = -float(measures.cvar(returns, beta))
    return found


def main() -> None:
    """Print the table."""
    version = import_module("skfolio").__version__
    print(f"GOLDEN of skfolio {version}")
    for name in SERIES:
        print(f"    {name!r}: {{")
        for figure, value in asked(name).items():
            print(f"        {figure!r}: {value!r},")
        print("    },")


if __name__ == "__main__":
    main()
