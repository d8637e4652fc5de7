"""The command line as a person meets it: real processes' worth of arguments, real files."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from rich.console import Console

from liveopt.cli.app import main
from liveopt.cli.market import Source
from liveopt.cli.show import draw, rounded
from liveopt.config import Account
from liveopt.core.account import RISK
from liveopt.core.bars import HOUR_NS, MINUTE_NS, Bars
from liveopt.core.score import SCORES
from liveopt.core.strategy import BadKnobs
from liveopt.data.market import synthetic_bars
from liveopt.engine.lower import NotPlain
from liveopt.strategies import load

START_NS = 1_700_000_040_000_000_000
Call = Callable[..., tuple[int, str, str]]


def columns(bars: Bars) -> dict[str, Any]:
    names = ("open", "high", "low", "close", "volume")
    return {"date": bars.at_ns.astype("datetime64[ns]")} | dict(
        zip(names, bars.floats(), strict=True)
    )


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    """2,000 minutes as a CSV."""
    path = tmp_path / "candles.csv"
    bars = synthetic_bars(2_000, 3, MINUTE_NS, START_NS)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["timestamp", "open", "high", "low", "close", "volume"])
        for at_ns, *prices in zip(bars.at_ns // 10**6, *bars.floats(), strict=True):
            writer.writerow([at_ns, *map(repr, map(float, prices))])
    return path


def lines(name: str) -> list[dict[str, str]]:
    with Path(name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_without_arguments_it_shows_the_common_commands(call: Call) -> None:
    code, out, _ = call()
    assert code == 0
    for word in ("demo", "backtest", "sweep", "--help"):
        assert word in out


def test_the_version_is_told(call: Call) -> None:
    assert call("--version")[1].strip() == "0.1.0"


@pytest.mark.parametrize(
    "command",
    [
        *("strategies", "backtest", "sweep", "demo", "run", "replay", "bench", "bench engine"),
        *("status", "stop", "resume", "journal verify", "journal tail", "journal export"),
        *("variants list", "variants show", "variants add", "variants pause", "variants retire"),
    ],
)
def test_every_help_has_an_example(call: Call, command: str) -> None:
    code, out, _ = call(*command.split(), "--help")
    assert code == 0
    assert "Example" in out


def test_strategies_lists_all_and_shows_one(call: Call) -> None:
    listed = json.loads(call("strategies", "--json")[1])
    assert "ma_crossover" in [s["name"] for s in listed]
    assert "ma_crossover" in call("strategies")[1]
    one = json.loads(call("strategies", "ma_crossover", "--json")[1])
    assert one["knobs"]["fast"]["default"] == 12
    assert one["warmup_bars"] == 27
    shown = call("strategies", "ma_crossover")[1]
    assert "fast < slow" in shown


def test_an_unknown_strategy_is_a_usage_error_that_names_the_known(call: Call) -> None:
    code, _, err = call("strategies", "nope")
    assert code == 2
    assert "ma_crossover" in err
    assert "did you mean macd?" in call("strategies", "mcad")[2]


def backtest(call: Call, *arguments: object) -> dict[str, Any]:
    code, out, err = call("backtest", "ma_crossover", *arguments, "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_backtest_reports_its_metrics_and_writes_its_trades(call: Call, candles: Path) -> None:
    found = backtest(
        call, "--data", candles, "--set", "fast=5", "--trades", "t.csv", "--fee", 0.001
    )
    trades = lines("t.csv")
    assert len(trades) == found["metrics"]["trades"] > 3
    net = sum(float(t["net"]) for t in trades)
    if found["position_at_end"] == "flat":
        assert found["metrics"]["equity"] == pytest.approx(10_000 + net)
    assert found["parameters"]["fast"] == 5.0
    assert found["data"]["bars"] == 2_000
    assert {t["reason"] for t in trades} == {"signal"}
    assert all(t["entry_time"].endswith("Z") for t in trades)


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_the_same_candles_in_another_file_are_the_same_run(
    call: Call, candles: Path, tmp_path: Path, kind: str
) -> None:
    table = pa.table(columns(synthetic_bars(2_000, 3, MINUTE_NS, START_NS)))
    other = tmp_path / f"candles.{kind}"
    if kind == "parquet":
        pyarrow.parquet.write_table(table, other)
    else:
        pyarrow.feather.write_feather(table, str(other))
    assert (
        backtest(call, "--data", candles)["metrics"] == backtest(call, "--data", other)["metrics"]
    )


def test_stops_and_targets_appear_when_they_are_named(call: Call, candles: Path) -> None:
    found = backtest(
        call, "--data", candles, "--set", "stop=0.001", "--set", "take=0.001", "--trades", "t.csv"
    )
    reasons = {t["reason"] for t in lines("t.csv")}
    assert found["metrics"]["trades"] > 3
    assert {"stop", "take"} <= reasons


def test_a_perpetual_trades_both_sides_with_leverage(call: Call, candles: Path) -> None:
    found = backtest(
        call, "--data", candles, "--market", "perpetual", "--set", "leverage=5",
        "--set", "fraction=0.1", "--trades", "t.csv", "--funding", 0.0001, "--pessimistic",
    )  # fmt: skip
    assert {t["side"] for t in lines("t.csv")} == {"long", "short"}
    assert found["pessimistic"]["equity"] != found["metrics"]["equity"]


def test_a_span_and_longer_signals_are_taken(call: Call, candles: Path) -> None:
    found = backtest(
        call, "--data", candles, "--from", "2023-11-15", "--signal", "5m", "--set", "fast=3",
        "--curve", "curve.csv",
    )  # fmt: skip
    assert found["data"]["first"].startswith("2023-11-15T00:00")
    assert found["data"]["signal_s"] == 300
    points = lines("curve.csv")
    assert 2 < len(points) <= 1_000
    assert float(points[-1]["equity"]) == found["metrics"]["equity"]


def test_people_get_a_table(call: Call, candles: Path) -> None:
    code, out, err = call("backtest", "ma_crossover", "--data", candles, "--pessimistic")
    assert code == 0
    assert "max_drawdown" in out
    assert "confidence" in out
    assert "2000 returns of 1 signal bars" in err
    assert {line.count("\t") for line in out.splitlines()} == {3}
    assert "position at the end" in err
    for fact in ("fast=12", "spot", "taker_fee=0.0006", "slippage=", "capital=10000", "2000 bars"):
        assert fact in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--set", "fats=3"], "did you mean fast"),
        (["--set", "fast=30"], "needs fast < slow"),
        (["--side", "short"], "spot cannot be sold short"),
        (["--set", "leverage=5"], "spot has no leverage"),
        (["--market", "perpetual", "--set", "leverage=100", "--fee", "7"], "--fee 7"),
        (["--signal", "7m"], "no interval '7m'"),
        (["--signal", "15s"], "not made of whole bars"),
        (["--from", "yesterday"], "--from/--to"),
        (["--capital", "-1"], "cannot trade"),
        (["--fee", "0.06"], "--fee 0.06: give a fraction from 0 to 0.05"),
        (["--maker-fee", "-0.06"], "--maker-fee -0.06"),
        (["--slippage", "nan"], "--slippage nan"),
        (["--tick", "inf"], "--tick inf"),
        (["--funding", "0.0001"], "--funding is for perpetuals"),
        (["--maintenance", "0.01"], "--maintenance is for perpetuals"),
        (["--market", "perpetual", "--funding", "0.2"], "--funding 0.2"),
        (["--market", "perpetual", "--funding", "nan"], "--funding nan"),
        (["--market", "perpetual", "--maintenance", "0.1"], "--maintenance 0.1"),
        (["--market-targets"], "give take as well"),
        (["--set", "fast=5", "--set", "fast=6"], "fast is set twice"),
        (["--from", "2024-01-02", "--to", "2024-01-01"], "is not before --to"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    call: Call, candles: Path, arguments: list[str], complaint: str
) -> None:
    code, _, err = call("backtest", "ma_crossover", "--data", candles, *arguments)
    assert complaint in err
    assert code == 2


def test_a_bad_cell_is_named_by_row_and_column(call: Call, candles: Path) -> None:
    lines = candles.read_text().splitlines()
    cells = lines[100].split(",")
    cells[3] = "-1"
    lines[100] = ",".join(cells)
    candles.write_text("\n".join(lines))
    code, _, err = call("backtest", "ma_crossover", "--data", candles)
    assert code == 4
    assert "row 100" in err
    assert "low" in err


def test_a_missing_file_is_a_data_error(call: Call) -> None:
    code, _, err = call("backtest", "ma_crossover", "--data", "nope.csv")
    assert code == 4
    assert "nope.csv" in err


def test_a_place_that_cannot_be_written_is_an_error(call: Call, candles: Path) -> None:
    code, _, err = call("backtest", "ma_crossover", "--data", candles, "--trades", "no/such/t.csv")
    assert code == 1
    assert "cannot write" in err


def test_settings_that_are_wrong_are_a_configuration_error(
    call: Call, candles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEOPT__COSTS__TAKER_FEE", "7")
    code, _, err = call("backtest", "ma_crossover", "--data", candles)
    assert code == 4
    assert "taker_fee" in err.lower()


def test_a_sweep_ranks_and_counts_the_invalid(call: Call, candles: Path) -> None:
    code, out, _ = call(
        "sweep", "ma_crossover", "--data", candles, "--grid", "fast=5:30:5,slow=10:40:10",
        "--by", "roi", "--top", 3, "--json",
    )  # fmt: skip
    found = json.loads(out)
    assert code == 0
    assert (found["evaluated"], found["invalid"]) == (15, 9)
    assert [t["rank"] for t in found["top"]] == [1, 2, 3]
    rois = [t["metrics"]["roi"] for t in found["top"]]
    assert rois == sorted(rois, reverse=True)
    assert found["variant_bars_per_s"] > 0


def test_the_best_of_a_sweep_is_the_backtest_of_its_parameters(call: Call, candles: Path) -> None:
    _, out, _ = call(
        "sweep", "ma_crossover", "--data", candles, "--random", 50, "--seed", 4, "--json",
        "--set", "stop=0.01",
    )  # fmt: skip
    best = json.loads(out)["top"][0]
    sets = [x for n, v in best["parameters"].items() for x in ("--set", f"{n}={v}")]
    alone = backtest(call, "--data", candles, *sets)
    assert alone["metrics"] == best["metrics"]
    for name in ("confidence", "sharpe_low", "sharpe_high", "psr"):
        assert alone[name] == best[name] is not None, name
    assert best["dsr"] < best["psr"]
    assert (alone["returns"], alone["bars_per_return"]) == (2_000, 1)


def test_two_sweeps_say_the_same(call: Call, candles: Path) -> None:
    asked = ("sweep", "ma_crossover", "--data", candles, "--random", 30, "--top", 5, "--json")
    first, again = (json.loads(call(*asked)[1]) for _ in range(2))
    assert first["top"] == again["top"]
    assert first["sharpe_deviation"] == again["sharpe_deviation"] > 0.0


def test_a_sweep_ranks_by_a_score_and_shows_it(call: Call, candles: Path) -> None:
    asked = (
        "sweep", "ma_crossover", "--data", candles, "--grid", "fast=5:30:5,slow=40:80:10",
        "--by", "classic",
    )  # fmt: skip
    found = json.loads(call(*asked, "--json")[1])
    scores = [t["score"] for t in found["top"]]
    assert found["by"] == "classic"
    assert scores == sorted(scores, reverse=True)
    assert 0.0 < scores[0] <= 1.0
    header, best, *_ = (line.split("\t") for line in call(*asked)[1].splitlines())
    shown = dict(zip(header, best, strict=True))
    assert float(shown["classic"]) == pytest.approx(scores[0], rel=1e-5)
    for name in ("confidence", "dsr", "psr"):
        assert float(shown[name]) == pytest.approx(found["top"][0][name], rel=1e-5)


def test_the_help_of_a_sweep_lists_scores_and_metrics(call: Call) -> None:
    _, out, _ = call("sweep", "--help")
    words = set(out.replace(",", " ").replace("(", " ").replace(")", " ").split())
    assert SCORES.keys() <= words


def test_people_get_a_ranked_table_and_a_warning(call: Call, candles: Path) -> None:
    code, out, err = call(
        "sweep", "ma_crossover", "--data", candles, "--random", 20, "--device", "cpu"
    )
    assert code == 0
    assert "rank" in out
    assert "luck" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "either --grid or --random"),
        (["--grid", "fast=5:6", "--random", "3"], "either --grid or --random"),
        (["--grid", "fast=5:6", "--by", "luck"], "the scores are classic, roi"),
        (["--grid", "fast=30:40", "--set", "slow=20"], "none satisfies fast < slow"),
        (["--grid", "fast=5:6", "--set", "fast=5"], "both fixed and in the grid"),
        (
            ["--grid", "leverage=50|100", "--market", "perpetual", "--set", "stop=0.9"],
            "",
        ),
    ],
)
def test_a_sweep_that_makes_no_sense_is_a_usage_error(
    call: Call, candles: Path, arguments: list[str], complaint: str
) -> None:
    code, _, err = call("sweep", "ma_crossover", "--data", candles, *arguments)
    assert complaint in err
    assert code == (2 if complaint else 0)


def test_undefined_numbers_are_null_in_json(call: Call, candles: Path) -> None:
    found = backtest(call, "--data", candles, "--set", "slow=600", "--to", "2023-11-15")
    assert found["metrics"]["trades"] == 0
    assert found["metrics"]["win_rate"] is None
    assert found["confidence"] is None
    assert found["psr"] is None
    assert not np.isnan(found["metrics"]["roi"])


def test_the_bench_measures_every_figure_it_names(call: Call) -> None:
    code, out, err = call("bench", "engine", "--variants", 128, "--bars", 1_000, "--json")
    assert code == 0, err
    found = json.loads(out)
    rates = ("variant_bars_per_s", "lean_variant_bars_per_s", "ratio_to_scalar", "start_cold_s")
    for name in (*rates, "start_warm_s", "peak_rss_mib", "bytes_per_variant"):
        assert found[name] > 0.0, name
    assert set(found["live_bar_us"]) == {"1000", "10000", "100000"}
    assert found["device"] == "cpu"


@pytest.mark.parametrize("strategy", sorted(load()))
def test_every_strategy_can_be_swept(call: Call, candles: Path, strategy: str) -> None:
    code, out, err = call("sweep", strategy, "--data", candles, "--random", 20, "--top", 3)
    assert code == 0, err
    header = out.splitlines()[0].split("\t")
    assert {*load()[strategy].knobs, *load()[strategy].choices} <= set(header)


def test_a_swept_parameter_is_shown_even_where_the_best_agree(call: Call, candles: Path) -> None:
    _, out, err = call(
        "sweep", "ma_crossover", "--data", candles, "--grid", "slow=20:40:10", "--by", "sortino",
        "--top", 1,
    )  # fmt: skip
    assert out.startswith("rank\tslow\tsortino\t")
    assert "fast" not in out
    assert "fast=12" in err
    assert {line.count("\t") for line in out.splitlines()} == {out.splitlines()[0].count("\t")}


def test_sweep_and_backtest_say_the_same_of_their_conditions(call: Call, candles: Path) -> None:
    options = (
        "--market", "perpetual", "--funding", 0.0001, "--maintenance", 0.01,
        "--liquidation-fee", 0.001, "--set", "take=0.01", "--market-targets",
    )  # fmt: skip
    _, out, _ = call(
        "sweep", "ma_crossover", "--data", candles, "--grid", "fast=5|9", *options, "--json"
    )
    swept, alone = json.loads(out), backtest(call, "--data", candles, *options)
    names = ("market", "sides", "sizing", "taker_fee", "maker_fee", "slippage", "tick", "lot")
    for name in (*names, "capital", "funding", "maintenance", "liquidation_fee", "market_targets"):
        assert swept[name] == alone[name], name
    assert alone["maintenance"] == 0.01
    assert alone["market_targets"] is True
    assert swept["in_sample"] is True
    resting = backtest(call, "--data", candles, *options[:-1])
    assert resting["metrics"]["fees"] != alone["metrics"]["fees"]


def test_too_little_data_is_said(call: Call, candles: Path) -> None:
    few = ("ma_crossover", "--data", candles, "--signal", "1h")
    _, out, err = call("backtest", *few, "--set", "slow=40", "--json")
    assert "needs 41 signal bars before its first decision; the data has 33" in err
    assert json.loads(out)["warmup_bars"] == 41
    _, out, err = call("sweep", *few, "--grid", "slow=20|40|50", "--json")
    assert json.loads(out)["never_ready"] == 2
    assert "2 of 3 variants never trade" in err


def test_counts_and_whole_knobs_are_integers(call: Call, candles: Path) -> None:
    found = backtest(call, "--data", candles)
    assert isinstance(found["parameters"]["fast"], int)
    for name in ("trades", "longest_losing", "refused"):
        assert isinstance(found["metrics"][name], int), name


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (BadKnobs("no such knob"), 2, "liveopt: no such knob"),
        (SyntaxError("invalid syntax", ("mine.py", 7, 1, "")), 1, "mine.py:7: invalid syntax"),
        (NotPlain("mine.py:9 in step: no loops"), 1, "liveopt: mine.py:9 in step: no loops"),
        (MemoryError(), 1, "engine.memory_mib"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_a_known_failure_is_one_line(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(SystemExit) as end:
        main(fail)
    err = capsys.readouterr().err
    assert end.value.code == code
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_funding_stamp_in_missing_bars_is_charged_at_the_next_bar() -> None:
    hour = HOUR_NS
    at_ns = np.array([0, 7, 9, 10, 25, 32]) * hour
    price = np.full(6, 10.0)
    bars = Bars(at_ns, price, price, price, price, price)
    rows = Source(Path("x"), bars, hour, hour).rows(0.01)
    assert rows.table[:, 5] == pytest.approx([0.01, 0.0, 0.01, 0.0, 0.02, 0.01])
    late = Source(Path("x"), bars.part(1, 6), hour, hour).rows(0.01)
    assert late.table[0, 5] == 0.0


def test_a_wide_table_is_cut_between_columns_and_never_in_a_number() -> None:
    screen = Console(width=80, file=io.StringIO())
    names = [f"parameter_{i}" for i in range(20)]
    line = [1, *(0.123456789 * 10.0**i for i in range(20))]
    draw(screen, ["rank", *names], [line], "best")
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= 80
    for word in (*names, "0.1235", "12346", *map(rounded, line)):
        assert word in text
    assert "\u2026" not in text


def test_the_settings_and_the_command_line_take_the_same_risk() -> None:
    for name in ("fraction", "leverage"):
        low, high = RISK[name].low, RISK[name].high
        for value, good in ((low, True), (high, True), (low * 0.99, False), (high * 1.01, False)):
            if good:
                Account.model_validate({name: value})
            else:
                with pytest.raises(ValueError, match=name):
                    Account.model_validate({name: value})
