"""A store is whole or is not there, and gives back what it was given."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from liveopt.data.panel import store as module
from liveopt.data.panel.about import About
from liveopt.data.panel.columns import Form
from liveopt.data.panel.panel import Panel, Sessions
from liveopt.data.panel.read_csv import Read, read_csv
from liveopt.data.panel.store import (
    Compression,
    Layout,
    Partition,
    open_panel,
    rows_of_a_group,
    write,
)
from liveopt.data.panel.stored import Store
from liveopt.data.panel.tables import content_hash
from liveopt.data.tables import DataError
from tests.unit.data.panel.files import ENHANCED, LEGACY, put


def made_up(strategies: int, sessions: int, seed: int = 1) -> Panel:
    """Two sessions a day, so that a day is never cut in two by accident alone."""
    rng = np.random.default_rng(seed)
    days = np.datetime64("2022-12-25") + np.arange(sessions) // 2
    return Panel(
        [f"s{i}" for i in range(strategies)],
        rng.standard_normal((strategies, sessions)),
        Sessions(days, start_min=np.arange(sessions, dtype=np.int64) % 2),
        ["a", "b"],
        (np.arange(strategies) % 2).astype(np.int32),
    )


def same(one: Panel, two: Panel) -> bool:
    return content_hash(one) == content_hash(two)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return read_csv([put(tmp_path / "a.csv", ENHANCED)])


@pytest.mark.parametrize("compression", ["snappy", "zstd", "gzip"])
@pytest.mark.parametrize("partition", ["none", "year", "month"])
def test_what_is_read_does_not_depend_on_how_it_lies(
    tmp_path: Path, compression: Compression, partition: Partition
) -> None:
    panel = made_up(700, 90)
    written = write(panel, About([]), tmp_path / "p", Layout(compression, partition))
    assert same(written.read(), panel)
    assert written.manifest.data_sha256 == content_hash(panel)
    columns = pyarrow.parquet.read_schema(tmp_path / "p" / "pnl.parquet").names
    assert len(columns) - 2 == {"none": 1, "year": 2, "month": 3}[partition]


@pytest.mark.parametrize("text", [LEGACY, ENHANCED])
def test_all_that_is_known_of_sessions_comes_back(tmp_path: Path, text: str) -> None:
    read = read_csv([put(tmp_path / "a.csv", text)])
    store = write(read.panel, read.about, tmp_path / "p")
    assert same(store.read(), read.panel)
    assert store.about == read.about


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (5_000, 1), (3, 70_000)])
def test_a_panel_may_have_any_shape(tmp_path: Path, shape: tuple[int, int]) -> None:
    panel = made_up(*shape)
    assert same(write(panel, About([]), tmp_path / "p").read(), panel)


def test_an_empty_panel_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="without strategies or sessions"):
        write(made_up(0, 5), About([]), tmp_path / "p")
    with pytest.raises(DataError, match="without strategies or sessions"):
        write(made_up(5, 0), About([]), tmp_path / "p")


def test_a_row_group_is_small_but_never_are_there_too_many() -> None:
    assert rows_of_a_group(100_000, 250, 1) * 250 <= module.GROUP_VALUES
    assert rows_of_a_group(100, 1, 1) <= module.ROWS_MOST
    for strategies, sessions, columns in ((100_000, 5_000, 240), (1_000_000, 250, 12)):
        rows = rows_of_a_group(strategies, sessions, columns)
        assert -(-strategies // rows) * columns < module.CHUNKS_MOST + columns


def test_a_store_that_is_there_is_replaced_only_when_asked(tmp_path: Path, read: Read) -> None:
    write(made_up(3, 4), About([]), tmp_path / "p")
    with pytest.raises(DataError, match="exists; --force replaces it"):
        write(read.panel, read.about, tmp_path / "p")
    assert same(write(read.panel, read.about, tmp_path / "p", replace=True).read(), read.panel)
    assert files(tmp_path) == {"a.csv", "p", "about.json", "pnl.parquet", "sessions.parquet"}


class Stop(Exception):
    """What interrupts a writing."""


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt, DataError])
def test_a_store_that_is_not_proved_leaves_nothing_behind(
    tmp_path: Path, read: Read, error: type[BaseException]
) -> None:
    def refuse(store: Store) -> None:
        assert same(store.read(), read.panel), "what is proved is what was written"
        raise error(tmp_path, None, None, "no")

    with pytest.raises(error):
        write(read.panel, read.about, tmp_path / "p", prove=refuse)
    assert files(tmp_path) == {"a.csv"}


def test_a_store_that_cannot_replace_another_leaves_that_one(tmp_path: Path, read: Read) -> None:
    old = write(made_up(3, 4), About([]), tmp_path / "p")
    before = old.read()

    def refuse(store: Store) -> None:
        raise Stop

    with pytest.raises(Stop):
        write(read.panel, read.about, tmp_path / "p", replace=True, prove=refuse)
    assert same(open_panel(tmp_path / "p").read(), before)
    assert len(files(tmp_path)) == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, read: Read) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match="cannot be written"):
        write(read.panel, read.about, tmp_path / "p")


def test_a_disk_that_takes_no_more_leaves_nothing_behind(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; sys.path.insert(0, '.')\n"
        "from liveopt.data.panel.about import About\n"
        "from liveopt.data.panel.store import write\n"
        "from tests.unit.data.panel.test_store import made_up\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        f"write(made_up(1_000, 100), About([]), Path({str(tmp_path / 'p')!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[4], check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert "DataError" in done.stderr.splitlines()[-1]
    assert "cannot be written: File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, read: Read) -> None:
    with pytest.raises(DataError, match="cannot be written: No such file"):
        write(read.panel, read.about, tmp_path / "none" / "p")


def test_the_content_has_one_hash_whatever_the_file(tmp_path: Path) -> None:
    one = read_csv([put(tmp_path / "a.csv", LEGACY)])
    (tmp_path / "b").mkdir()
    two = read_csv([put(tmp_path / "b" / "a.csv", LEGACY.replace("\n", "\r\n"))])
    layouts = (Layout("snappy"), Layout("zstd"))
    stores = [
        write(read.panel, read.about, tmp_path / layout.compression, layout)
        for read, layout in zip((one, two), layouts, strict=True)
    ]
    assert len({store.manifest.data_sha256 for store in stores}) == 1
    other = read_csv([put(tmp_path / "a.csv", LEGACY.replace("4.25", "4.26"))])
    assert content_hash(other.panel) != stores[0].manifest.data_sha256


def test_a_store_may_be_moved(tmp_path: Path, read: Read) -> None:
    write(read.panel, read.about, tmp_path / "p")
    shutil.move(tmp_path / "p", tmp_path / "q")
    open_panel(tmp_path / "q").verify()


def test_a_mended_cell_is_counted_in_the_store(tmp_path: Path) -> None:
    path = put(
        tmp_path / "a.csv", "Date,x\n2024-01-01,1\n2024-01-02,?\n2024-01-03,2\n2024-01-04,\n"
    )
    read = read_csv([path], Form(bad_cells="zero"))
    about = write(read.panel, read.about, tmp_path / "p").about
    assert (about.bad, about.missing) == (1, 1)
