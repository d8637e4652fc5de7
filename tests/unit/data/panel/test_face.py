"""The desk's interface has its names and arguments, and does what the package does."""

import inspect
from pathlib import Path

import numpy as np
import pytest

from liveopt.data.panel import face
from liveopt.data.panel.store import open_panel
from liveopt.data.tables import DataError
from liveopt.engine.gpu import Gpu, NoGpu
from tests.unit.data.panel.files import ENHANCED, LEGACY, put


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("csv_to_parquet", ["csv_path", "parquet_path", "format_config"]),
        ("load_parquet_to_cudf", ["parquet_path", "columns"]),
        ("optimize_parquet_storage", ["parquet_path", "partitions"]),
        ("load_strategy_data_cudf", ["parquet_path", "date_range"]),
    ],
)
def test_the_names_and_arguments_are_those_agreed_on(name: str, arguments: list[str]) -> None:
    assert list(inspect.signature(getattr(face, name)).parameters) == arguments


def test_a_csv_becomes_a_store_and_replaces_the_one_before(tmp_path: Path) -> None:
    where = str(tmp_path / "p")
    assert face.csv_to_parquet(str(put(tmp_path / "a.csv", LEGACY)), where, {})
    told = {"exclude": ["strategy_2"], "compression": "zstd", "date_order": "day"}
    assert face.csv_to_parquet(str(put(tmp_path / "a.csv", ENHANCED)), where, told)
    store = open_panel(Path(where))
    assert store.manifest.compression == "zstd"
    assert store.read().names == ["strategy_1"]


def test_a_folder_of_somebody_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    precious = put(tmp_path / "p" / "thesis.txt", "years of work")
    with pytest.raises(DataError, match="is no panel and is not replaced"):
        face.csv_to_parquet(str(put(tmp_path / "a.csv", LEGACY)), str(tmp_path / "p"), {})
    assert precious.read_text() == "years of work"


def test_what_is_not_known_or_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = str(put(tmp_path / "a.csv", LEGACY))
    with pytest.raises(ValueError, match="format_config: colour is none of rename, include"):
        face.csv_to_parquet(path, str(tmp_path / "p"), {"colour": "red"})
    with pytest.raises(DataError, match="no such file"):
        face.csv_to_parquet(path + "x", str(tmp_path / "p"), {})
    with pytest.raises(ValueError, match=r"partitions \['hour'\]"):
        face.optimize_parquet_storage(str(tmp_path / "p"), ["hour"])


def test_a_store_is_cut_anew_and_reads_the_same(tmp_path: Path) -> None:
    where = tmp_path / "p"
    text = "Date,x\n" + "".join(f"2024-{m:02}-05,{m}\n" for m in range(1, 13))
    face.csv_to_parquet(str(put(tmp_path / "a.csv", text)), str(where), {"compression": "gzip"})
    before = open_panel(where)
    expected = before.read().pnl
    for partitions, count in ((["month"], 12), (["date"], 12), (["year"], 1), ([], 1)):
        face.optimize_parquet_storage(str(where), partitions)
        store = open_panel(where)
        assert len(store.manifest.periods) == count
        assert store.manifest.compression == "gzip"
        assert store.manifest.data_sha256 == before.manifest.data_sha256
        assert np.array_equal(store.read().pnl, expected)


def test_without_a_gpu_the_frames_say_what_is_missing(tmp_path: Path) -> None:
    where = str(tmp_path / "p")
    face.csv_to_parquet(str(put(tmp_path / "a.csv", LEGACY)), where, {})
    try:
        Gpu()
    except NoGpu:
        with pytest.raises(NoGpu):
            face.load_parquet_to_cudf(where, ["Δ-neutral"])
        with pytest.raises(NoGpu):
            face.load_strategy_data_cudf(where, ("2024-01-01", "2024-01-31"))
    else:
        pytest.skip("there is a GPU here; see the next")


@pytest.mark.gpu
def test_frames_have_the_days_and_strategies_asked_for(tmp_path: Path) -> None:
    where = str(tmp_path / "p")
    face.csv_to_parquet(str(put(tmp_path / "a.csv", LEGACY)), where, {})
    try:
        frame = face.load_strategy_data_cudf(where, ("2024-01-03", "2024-01-31"))
    except NoGpu as error:
        pytest.skip(str(error))
    assert frame["Δ-neutral"].to_numpy().tolist() == [-100.0, 3.0]
    assert "NIFTY, weekly" not in face.load_parquet_to_cudf(where, ["Δ-neutral"]).columns
