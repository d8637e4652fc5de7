"""When keys were used: aside from the keys, now and then, and never at their cost."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from liveopt.guard.clock import WALL
from liveopt.web import uses
from liveopt.web.keys import FILE, Keys
from liveopt.web.uses import Uses
from tests.unit.web.house import house


def test_a_use_is_noted_and_put_down_when_it_is_asked_for(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    text = keys.create("a", ["read"], 1)
    id_ = text.split("_")[1]
    before = (tmp_path / FILE).stat()
    for at_ns in (5, 6, 7):
        assert keys.find(text.encode(), 0.0, at_ns)
        assert not (tmp_path / uses.FILE).exists()
    assert keys.find(text.encode()[:-1] + b"?", 0.0, 9) is None
    keys.uses.keep(keys.uses.taken())
    assert Keys(tmp_path).uses.all() == {id_: 7}
    assert (tmp_path / uses.FILE).stat().st_mode & 0o777 == 0o600
    after = (tmp_path / FILE).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_key_that_is_revoked_stays_so_whatever_is_written_of_its_use(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    text = keys.create("a", ["read"], 1)
    assert keys.find(text.encode(), 0.0, 5)
    Keys(tmp_path).revoke(text.split("_")[1], 6)
    keys.uses.keep(keys.uses.taken())
    assert Keys(tmp_path).all()[0].revoked_ns == 6
    assert Keys(tmp_path).find(text.encode(), 0.0, 7) is None


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(1, 99)), max_size=8))
def test_of_several_who_write_the_newest_use_stays(
    tmp_path_factory: object, parts: list[dict[str, int]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("uses")  # type: ignore[attr-defined]
    newest: dict[str, int] = {}
    for part in parts:
        Uses(folder).keep(part)
        newest |= {k: max(v, newest.get(k, 0)) for k, v in part.items()}
    assert Uses(folder).all() == newest


def test_a_file_that_cannot_be_read_or_written_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / uses.FILE).write_bytes(b"\xff{")
    own = Uses(tmp_path)
    assert own.all() == {}
    own.keep({"a": 3})
    assert own.all() == {"a": 3}
    Uses(tmp_path / "nowhere").keep({"a": 3})


def test_two_that_keep_at_once_take_nothing_from_each_other(tmp_path: Path) -> None:
    own = Uses(tmp_path)
    with ThreadPoolExecutor(8) as threads, capture_logs() as said:
        list(threads.map(lambda number: own.keep({f"key {number}": number + 1}), range(64)))
    assert own.all() == {f"key {number}": number + 1 for number in range(64)}
    assert said == []


async def test_a_service_that_ends_puts_its_last_uses_down(tmp_path: Path) -> None:
    began_ns = WALL()
    async with house(tmp_path) as home:
        assert (await home.ask("GET", "/api/v1/alerts", scope="read")).status == 200
        assert not (tmp_path / uses.FILE).exists()
    (at_ns,) = Keys(tmp_path).uses.all().values()
    assert began_ns <= at_ns <= WALL()
