"""A store is put in its place whole, and nothing but a store ever makes room for it."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from liveopt.data.panel import place as module
from liveopt.data.panel.about import About
from liveopt.data.panel.place import beside
from liveopt.data.panel.store import open_panel, write
from liveopt.data.tables import DataError
from tests.unit.data.panel.files import put
from tests.unit.data.panel.test_store import made_up, same

OLD, NEW = made_up(3, 4), made_up(5, 6)


@pytest.fixture(params=["at once", "in two steps"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to replace a folder: not every disk can exchange two."""
    if request.param == "in two steps":
        monkeypatch.setattr(module, "_exchanged", lambda one, other: False)
    return str(request.param)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("way")
def test_a_store_is_replaced_whole_with_its_cache(tmp_path: Path) -> None:
    write(OLD, About([]), tmp_path / "p")
    (tmp_path / "p" / "correlations").mkdir()
    assert same(write(NEW, About([]), tmp_path / "p", replace=True).read(), NEW)
    assert left(tmp_path / "p") == ["about.json", "pnl.parquet", "sessions.parquet"]
    assert left(tmp_path) == ["p"]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", ["thesis.txt", "about.json/thesis.txt", "pnl.parquet"])
def test_a_folder_that_is_no_store_is_never_taken_away(tmp_path: Path, name: str) -> None:
    precious = tmp_path / "p" / name
    precious.parent.mkdir(parents=True)
    put(precious, "years of work")
    if name != "about.json/thesis.txt":
        with pytest.raises(DataError, match="is no panel and is not replaced"):
            write(NEW, About([]), tmp_path / "p", replace=True)
    else:
        (tmp_path / "p" / "about.json").rename(tmp_path / "p" / "data")
        put(tmp_path / "p" / "about.json", "{}")
        precious = tmp_path / "p" / "data" / "thesis.txt"
        with pytest.raises(DataError, match="holds 'data', which is not of a panel"):
            write(NEW, About([]), tmp_path / "p", replace=True)
    assert precious.read_text() == "years of work"
    assert left(tmp_path) == ["p"]


def test_a_file_and_an_empty_folder_are_no_stores(tmp_path: Path) -> None:
    path = put(tmp_path / "plain.csv", "mine")
    (tmp_path / "empty").mkdir()
    for taken in (path, tmp_path / "empty"):
        with pytest.raises(DataError, match="is no panel and is not replaced"):
            write(NEW, About([]), taken, replace=True)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("replace", [False, True])
def test_what_appears_while_a_store_is_written_is_left_alone(tmp_path: Path, replace: bool) -> None:
    def meanwhile(_: object) -> None:
        (tmp_path / "p").mkdir()
        put(tmp_path / "p" / "mine", "another's")

    with pytest.raises(DataError, match=r"exists; --force|is no panel and is not replaced"):
        write(NEW, About([]), tmp_path / "p", replace=replace, prove=meanwhile)
    assert left(tmp_path / "p") == ["mine"]
    assert left(tmp_path) == ["p"]


def test_a_link_stays_and_the_store_it_leads_to_is_replaced(tmp_path: Path) -> None:
    write(OLD, About([]), tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    write(NEW, About([]), tmp_path / "link", replace=True)
    assert (tmp_path / "link").is_symlink()
    assert same(open_panel(tmp_path / "real").read(), NEW)


def test_where_the_disk_can_exchange_there_is_a_store_at_every_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    if not module._exchanged(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this disk cannot exchange two folders")
    write(OLD, About([]), tmp_path / "p")

    def never(path: Path, target: Path) -> Path:
        raise OSError(1, "moved away, so that for a moment there is none")

    monkeypatch.setattr(Path, "rename", never)
    assert same(write(NEW, About([]), tmp_path / "p", replace=True).read(), NEW)


@pytest.mark.parametrize("replace", [False, True])
def test_a_place_that_is_taken_at_the_last_moment_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool
) -> None:
    real = Path.rename

    def late(path: Path, target: Path) -> Path:
        (tmp_path / "p").mkdir()
        put(tmp_path / "p" / "mine", "another's")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", late)
    with pytest.raises(DataError, match="exists; --force replaces it"):
        write(NEW, About([]), tmp_path / "p", replace=replace)
    assert left(tmp_path / "p") == ["mine"]
    assert left(tmp_path) == ["p"]


def test_a_reader_finds_a_whole_store_at_every_moment_of_its_replacing(tmp_path: Path) -> None:
    write(OLD, About([]), tmp_path / "p")
    over, seen = threading.Event(), 0

    def replace() -> None:
        for _ in range(30):
            for panel in (NEW, OLD):
                write(panel, About([]), tmp_path / "p", replace=True)
        over.set()

    thread = threading.Thread(target=replace)
    thread.start()
    while not over.is_set():
        store = open_panel(tmp_path / "p")
        with suppress(DataError):  # there is another by now
            found = store.read()
            assert same(found, OLD) or same(found, NEW)
            seen += 1
    thread.join()
    assert seen > 0


@pytest.mark.usefixtures("way")
def test_writers_beside_each_other_do_not_touch_what_the_other_builds(tmp_path: Path) -> None:
    faults: list[BaseException] = []

    def replace() -> None:
        try:
            for _ in range(10):
                with beside(tmp_path / "p") as one, beside(tmp_path / "p") as other:
                    assert one != other
                    write(NEW, About([]), tmp_path / "q")
                    assert one.exists()
                    assert other.exists()
        except DataError as error:
            if "exists; --force" not in str(error):
                faults.append(error)

    threads = [threading.Thread(target=replace) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, ".")
from liveopt.data.panel import place
from liveopt.data.panel.about import About
from liveopt.data.panel.store import write
from tests.unit.data.panel.test_store import made_up

def die(*_):
    os.kill(os.getpid(), 9)

if sys.argv[2] == "between":
    real = Path.rename
    place._exchanged = lambda one, other: False
    Path.rename = lambda path, to: die() if path.suffix == ".tmp" else real(path, to)
prove = die if sys.argv[2] == "built" else lambda _: None
write(made_up(5, 6), About([]), Path(sys.argv[1]), replace=True, prove=prove)
"""


def killed(folder: Path, when: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), when],
        cwd=Path(__file__).parents[4], check=False,
    )  # fmt: skip
    assert done.returncode == -9


def aged(folder: Path, seconds: int) -> None:
    """What was left there has lain so long."""
    for path in folder.glob(".p*"):
        then = path.stat().st_mtime - seconds
        os.utime(path, (then, then))


def test_what_a_killed_writer_left_is_taken_away_a_day_later(tmp_path: Path) -> None:
    """Not at once: the writer may be of another container or machine, and alive."""
    place = tmp_path / "p[1]*"
    killed(place, "built")
    assert not place.exists()
    aged(tmp_path, 80_000)
    write(OLD, About([]), place)
    assert len(list(tmp_path.glob(".p*.tmp"))) == 1
    aged(tmp_path, 80_000)
    (tmp_path / ".p[1]*.mine.tmp").mkdir()
    aged(tmp_path, 80_000)
    write(NEW, About([]), place, replace=True)
    assert left(tmp_path) == [".p[1]*.mine.tmp", "p[1]*"]


def test_a_store_whose_replacing_was_cut_off_is_named_and_kept_until_there_is_another(
    tmp_path: Path,
) -> None:
    write(OLD, About([]), tmp_path / "p")
    killed(tmp_path / "p", "between")
    (kept,) = tmp_path.glob(".p.*.old")
    with pytest.raises(DataError, match=f"no panel here; .*{kept.name} beside it is one whose"):
        open_panel(tmp_path / "p")
    assert same(open_panel(kept).read(), OLD)
    aged(tmp_path, 90_000)
    with pytest.raises(DataError, match="without strategies"):
        write(made_up(0, 3), About([]), tmp_path / "p")
    assert kept.exists()
    write(NEW, About([]), tmp_path / "p")
    assert left(tmp_path) == ["p"]


def test_a_rename_that_fails_puts_the_old_store_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(OLD, About([]), tmp_path / "p")
    real = Path.rename

    def full(path: Path, target: Path) -> Path:
        if path.suffix == ".tmp":
            raise OSError(28, "No space left on device")
        return real(path, target)

    monkeypatch.setattr(module, "_exchanged", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(DataError, match="cannot be written: No space left"):
        write(NEW, About([]), tmp_path / "p", replace=True)
    assert same(open_panel(tmp_path / "p").read(), OLD)
    assert left(tmp_path) == ["p"]
