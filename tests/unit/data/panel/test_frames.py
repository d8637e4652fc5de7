"""Every reader gives the same matrix, wherever it puts it; what is not installed is explained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from liveopt.data.panel.about import About
from liveopt.data.panel.frames import CudfReader, CupyReader, HostReader, Reader, to_cudf, wide
from liveopt.data.panel.read_csv import read_csv
from liveopt.data.panel.store import Layout, Store, write
from liveopt.engine.gpu import Gpu, NoGpu
from tests.unit.data.panel.files import ENHANCED, put
from tests.unit.data.panel.test_store import made_up

PANEL = made_up(1_500, 90)
READERS = [
    pytest.param(HostReader, id="numpy"),
    pytest.param(CupyReader, id="cupy", marks=pytest.mark.gpu),
    pytest.param(CudfReader, id="cudf", marks=pytest.mark.gpu),
]


@pytest.fixture(scope="module", params=["none", "month"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store") / "p"
    return write(PANEL, About([]), folder, Layout(partition=request.param))


@pytest.fixture
def reader(request: pytest.FixtureRequest) -> Reader:
    try:
        made: Reader = request.param()
    except NoGpu as error:
        pytest.skip(str(error))
    return made


def host(array: Any) -> np.ndarray:
    return np.asarray(array.get() if hasattr(array, "get") else array)


@pytest.mark.parametrize("reader", READERS, indirect=True)
def test_the_matrix_is_the_panel(reader: Reader, store: Store) -> None:
    found = reader.matrix(store)
    assert (found.dtype, found.flags.c_contiguous) == (np.float64, True)
    assert np.array_equal(host(found), PANEL.pnl)


@pytest.mark.parametrize("reader", READERS, indirect=True)
def test_some_strategies_and_days_are_those(reader: Reader, store: Store) -> None:
    span = ("2022-12-30", "2023-01-20")
    found = reader.matrix(store, ["s900", "s3", "s3"], span)
    days = (PANEL.sessions.date >= np.datetime64(span[0])) & (
        PANEL.sessions.date <= np.datetime64(span[1])
    )
    assert np.array_equal(host(found), PANEL.pnl[[900, 3, 3]][:, days])
    assert reader.matrix(store, ["s1"], ("1999-01-01", "1999-12-31")).shape == (1, 0)


@pytest.mark.parametrize("make", [CupyReader, CudfReader, lambda: to_cudf(PANEL)])
def test_what_is_absent_is_explained(make: Callable[[], Any]) -> None:
    try:
        Gpu()
    except NoGpu:
        with pytest.raises(NoGpu, match=r"not installed|no CUDA device"):
            make()
    else:
        pytest.skip("there is a GPU here")


@pytest.mark.gpu
def test_a_frame_has_the_numbers_of_the_panel() -> None:
    try:
        frame = to_cudf(PANEL)
    except NoGpu as error:
        pytest.skip(str(error))
    assert list(frame.columns[-1_500:]) == PANEL.names
    assert np.array_equal(frame["s7"].to_numpy(), PANEL.pnl[7])


def test_the_wide_table_is_the_csv_again(tmp_path: Path) -> None:
    panel = read_csv([put(tmp_path / "a.csv", ENHANCED)]).panel
    table = wide(panel)
    assert table.column_names[0] == "Date"
    assert table.column_names[-2:] == ["strategy_1", "strategy_2"]
    assert table.num_rows == 3
    assert table["strategy_1"].to_pylist() == [120.0, 5.0, -60.0]
    assert table["zone"].to_pylist() == ["A", "A", "B"]
