"""Columns are told apart by their names, whatever their case and order."""

from pathlib import Path

import pytest

from liveopt.data.panel.columns import Form, columns_of, refuse_unmet
from liveopt.data.tables import DataError

FILE = Path("desk.csv")


def strategies(header: list[str], form: Form | None = None) -> list[str]:
    columns = columns_of(FILE, header, form or Form())
    return [columns.names[i] for i in columns.candidates]


@pytest.mark.parametrize("header", ["Date,Zone,Day,x", "x,DAY,date,zone", " Day , Date,x,ZONE"])
def test_the_legacy_columns_stand_in_any_order_and_case(header: str) -> None:
    columns = columns_of(FILE, header.split(","), Form())
    named = {word: columns.names[i].lower() for word, i in columns.session.items()}
    assert named == {"date": "date", "zone": "zone", "day": "day"}
    assert strategies(header.split(",")) == ["x"]


def test_the_enhanced_columns_are_known_and_the_symbol_is_no_strategy() -> None:
    words = "Date start_time end_time day zone market_regime Regime_Confidence_%"
    more = "Market_regime_transition_threshold capital Symbol TICKER strategy_1"
    header = f"{words} {more}".split()
    header[6] = "Regime Confidence %"
    columns = columns_of(FILE, header, Form())
    assert list(columns.session) == [
        "date", "start_min", "end_min", "day", "zone", "regime", "confidence", "transition",
        "capital",
    ]  # fmt: skip
    assert strategies(header) == ["strategy_1"]
    assert columns.skipped == {"Symbol": "says what was traded", "TICKER": "says what was traded"}


def test_an_index_that_pandas_wrote_is_no_strategy() -> None:
    assert strategies(["", "Date", "x"]) == ["x"]
    assert strategies(["Unnamed: 0", "Date", "x"]) == ["x"]


def test_strategies_are_included_and_excluded_by_name_or_pattern() -> None:
    header = ["Date", "SL31%TP57% [1]", "SL31%", "NIFTY a", "NIFTY b"]
    assert strategies(header, Form(include=["SL31%TP57% [1]"])) == ["SL31%TP57% [1]"]
    assert strategies(header, Form(include=["NIFTY*"])) == ["NIFTY a", "NIFTY b"]
    assert strategies(header, Form(exclude=["NIFTY*"])) == ["SL31%TP57% [1]", "SL31%"]
    assert strategies(header, Form(include=["BANK*"])) == []


def test_a_name_to_include_that_no_source_has_is_refused() -> None:
    form = Form(include=["x", "NIFTY*"])
    both = [columns_of(FILE, ["Date", name], form) for name in ("x", "NIFTY a")]
    refuse_unmet(FILE, both, form)
    with pytest.raises(DataError, match=r"column 'NIFTY\*': no strategy to include has this name"):
        refuse_unmet(FILE, both[:1], form)


def test_a_renamed_column_is_what_it_is_renamed_to() -> None:
    header = ["TradeDate", "x"]
    assert strategies(header, Form(rename={"TradeDate": "Date"})) == ["x"]
    with pytest.raises(DataError, match=r"column 'Date': there is no such column .*TradeDate, x"):
        columns_of(FILE, header, Form())


def test_two_columns_of_one_name_are_refused_with_both_places() -> None:
    with pytest.raises(DataError, match="'x': columns 2 and 4 have this name; rename one"):
        strategies(["Date", "x", "y", " x "])
    with pytest.raises(DataError, match="columns 1 and 3 are both the date"):
        strategies(["Date", "x", "DATE"])
