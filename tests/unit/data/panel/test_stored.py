"""What is read from a store: some strategies, some days, and never what was damaged."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.data.panel import stored as module
from liveopt.data.panel.about import About
from liveopt.data.panel.panel import Panel
from liveopt.data.panel.store import Layout, write
from liveopt.data.panel.stored import Store, open_panel, seal
from liveopt.data.tables import DataError
from tests.unit.data.panel.test_store import made_up, same

PANEL = made_up(2_000, 120)


@pytest.fixture(scope="module", params=["none", "year", "month"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store") / "p"
    return write(PANEL, About([]), folder, Layout(partition=request.param))


@given(
    rows=st.lists(st.integers(0, 1_999), max_size=30),
    span=st.tuples(st.integers(-5, 70), st.integers(-5, 70)),
    at_once=st.sampled_from([1, 5_000, 4 << 20]),
)
def test_some_strategies_and_days_are_those_of_the_whole(
    store: Store, rows: list[int], span: tuple[int, int], at_once: int
) -> None:
    first, last = (PANEL.sessions.date[0] + day for day in span)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "VALUES_AT_ONCE", at_once)
        found = store.read([f"s{i}" for i in rows], (str(first), str(last)))
    days = (PANEL.sessions.date >= first) & (PANEL.sessions.date <= last)
    assert found.names == [f"s{i}" for i in rows]
    assert np.array_equal(found.pnl, PANEL.pnl[rows][:, days])
    assert np.array_equal(found.sessions.date, PANEL.sessions.date[days])
    assert np.array_equal(found.group, PANEL.group[rows])
    assert found.pnl.flags.c_contiguous
    assert found.pnl.dtype == np.float64


def test_an_open_side_of_a_span_is_without_limit(store: Store) -> None:
    middle = PANEL.sessions.date[60]
    counts = [
        len(store.read(["s0"], span).sessions)
        for span in (None, (None, None), (middle.item(), None), (None, str(middle)))
    ]
    assert counts == [120, 120, 60, 62]


def test_a_strategy_that_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(DataError, match="column 'nobody': there is no such strategy"):
        store.read(["s1", "nobody"])
    with pytest.raises(DataError, match="cannot read soon to None as days"):
        store.read(None, ("soon", None))


def test_a_range_of_days_reads_only_the_columns_it_needs(tmp_path: Path) -> None:
    """The other year's numbers are made unreadable, and nobody notices."""
    panel = made_up(50, 40)  # 2022-12-25 on: 14 sessions in 2022, 26 in 2023
    store = write(panel, About([]), tmp_path / "p", Layout(compression="zstd", partition="year"))
    path = tmp_path / "p" / "pnl.parquet"
    import pyarrow.parquet

    group = pyarrow.parquet.ParquetFile(path).metadata.row_group(0)
    chunk = group.column(3)
    assert chunk.path_in_schema.startswith("pnl_2023")
    data = bytearray(path.read_bytes())
    start = chunk.data_page_offset
    data[start : start + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
    path.write_bytes(data)
    found = open_panel(store.folder).read(dates=("2022-12-25", "2022-12-31"))
    assert np.array_equal(found.pnl, panel.pnl[:, :14])
    with pytest.raises(DataError, match=r"pnl\.parquet: cannot be read .*make the store anew"):
        open_panel(store.folder).read()


def damaged(folder: Path, name: str) -> Store:
    write(made_up(300, 50), About([]), folder)
    path = folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    return open_panel(folder)


@pytest.mark.parametrize("name", ["pnl.parquet", "sessions.parquet"])
def test_verify_names_the_file_that_is_damaged(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=f"{name}: is not as written"):
        damaged(tmp_path / "p", name).verify()
    (tmp_path / "p" / name).unlink()
    with pytest.raises(DataError, match=f"{name}: there is no such file"):
        open_panel(tmp_path / "p").verify()


def test_a_damaged_about_is_refused_unless_it_says_the_same(tmp_path: Path) -> None:
    """It may: the name of a field whose value is the usual one is not missed."""
    manifest = write(made_up(30, 50), About([]), tmp_path / "p").manifest
    path = tmp_path / "p" / "about.json"
    whole, refused = path.read_bytes(), 0
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1
        path.write_bytes(data)
        try:
            assert open_panel(tmp_path / "p").manifest == manifest
        except DataError:
            refused += 1
    assert refused > 0.9 * len(whole)


def test_another_version_and_no_store_at_all_are_told(tmp_path: Path) -> None:
    store = write(made_up(3, 5), About([]), tmp_path / "p")
    other = msgspec.structs.replace(store.manifest, version=1)
    (tmp_path / "p" / "about.json").write_bytes(seal(other))
    with pytest.raises(
        DataError, match=r"is liveopt panel 1, and this program reads .*; make the store anew"
    ):
        open_panel(tmp_path / "p")
    for nothing in (tmp_path, tmp_path / "none", tmp_path / "p" / "about.json"):
        with pytest.raises(DataError, match="there is no panel here; `liveopt data import`"):
            open_panel(nothing)


def test_a_store_is_read_while_names_repeat(store: Store) -> None:
    found: Panel = store.read(["s7", "s3", "s7"])
    assert np.array_equal(found.pnl, PANEL.pnl[[7, 3, 7]])


@pytest.mark.parametrize("first", ["nothing", "sessions", "names", "strategies"])
@pytest.mark.parametrize("other", [made_up(50, 40, seed=2), made_up(50, 44), made_up(60, 40)])
def test_a_reader_never_mixes_two_stores(tmp_path: Path, first: str, other: Panel) -> None:
    """Whatever it has read before the other was put there."""
    panel = made_up(50, 40)
    store = write(panel, About([]), tmp_path / "p")
    if first == "sessions":
        assert len(store.sessions) == 40
    if first == "names":
        assert len(store.names) == 50
    if first == "strategies":
        assert same(store.read(), panel)
    write(other, About([]), tmp_path / "p", replace=True)
    if first == "strategies":  # both files are open
        assert same(store.read(), panel)
    else:
        with pytest.raises(DataError, match="another store has been put here since it was opened"):
            store.read()
    with pytest.raises(DataError, match="another store has been put here"):
        store.refuse_replaced()
    assert same(open_panel(tmp_path / "p").read(), other)


def test_a_store_cut_otherwise_is_another_and_the_same_again_is_not(tmp_path: Path) -> None:
    panel = made_up(50, 40)
    store = write(panel, About([]), tmp_path / "p")
    write(panel, About([]), tmp_path / "p", replace=True)
    assert same(store.read(), panel)
    store = open_panel(tmp_path / "p")
    write(panel, About([]), tmp_path / "p", Layout(partition="month"), replace=True)
    with pytest.raises(DataError, match="another store has been put here"):
        store.read()
