"""Orders on the disk: whatever the moment of the cut, what was acknowledged is there."""

import os
import resource
import signal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.web.orders import (
    ENDED_MAX,
    FILE,
    NAMED_MAX,
    PAST_MAX,
    NotKept,
    Order,
    Orders,
    Past,
    new_id,
)

USUAL = Order("", "macd", "b.csv", "de", 100, 60.0, "bar_sharpe", "", "", "now", "tester")


def order(number: int) -> Order:
    return Order(f"opt_{number:08x}", *(getattr(USUAL, n) for n in USUAL.__struct_fields__[1:]))


def keyed(number: int, asked: str = "abc") -> Order:
    return msgspec.structs.replace(order(number), asked=asked)


def names(orders: Orders) -> list[str]:
    return list(orders.open)


def test_what_has_not_ended_is_there_again_in_its_order(tmp_path: Path) -> None:
    first = Orders(tmp_path)
    first.add([order(1), order(2)])
    first.add([order(3)])
    first.end([order(1).id, "nobody"])
    again = Orders(tmp_path)
    assert again.open == {order(2).id: order(2), order(3).id: order(3)}
    assert list(again.open.values()) == [order(2), order(3)]
    assert names(Orders(tmp_path)) == names(again), "written anew, it says the same"


def test_where_nothing_was_ordered_nothing_is_written(tmp_path: Path) -> None:
    Orders(tmp_path).end(["nobody"])
    assert not list(tmp_path.iterdir())


@given(
    acts=st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(1, 3)), max_size=12),
    share=st.floats(0.0, 1.0),
)
def test_of_a_file_cut_anywhere_whole_lines_are_heeded(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[bool, int, int]], share: float
) -> None:
    folder = tmp_path_factory.mktemp("orders")
    orders, after = Orders(folder), dict[int, list[str]]({0: []})
    path, number = folder / FILE, 0
    for came, which, count in acts:
        if came:
            orders.add([order(number + n) for n in range(count)])
            number += count
        else:
            orders.end([order(which).id])
        after[path.stat().st_size if path.exists() else 0] = names(orders)
    whole = path.read_bytes() if path.exists() else b""
    cut = round(share * len(whole))
    path.write_bytes(whole[:cut])
    kept = after[max(size for size in after if size <= cut)]
    assert names(Orders(folder)) == kept
    torn = Orders(folder)
    torn.add([order(99)])
    assert names(Orders(folder)) == [*kept, order(99).id], "what comes later is not glued to it"


def test_a_full_disk_takes_an_order_whole_or_not_at_all(tmp_path: Path) -> None:
    orders = Orders(tmp_path)
    orders.add([order(1)])
    size = (tmp_path / FILE).stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, before[1]))  # the kernel's own full disk
    try:
        with pytest.raises(NotKept):
            orders.add([order(2)])
        orders.end([order(1).id])  # is said in the log, and no fault
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)
    assert (tmp_path / FILE).stat().st_size == size
    orders.add([order(3)])
    assert names(Orders(tmp_path)) == [order(1).id, order(3).id]


def test_a_line_that_nobody_understands_costs_that_line_alone(tmp_path: Path) -> None:
    orders = Orders(tmp_path)
    orders.add([order(1)])
    with (tmp_path / FILE).open("ab") as out:
        out.write(b'{"came":[{"id":7}]}\n')
    orders.add([order(2)])
    assert names(Orders(tmp_path)) == [order(1).id, order(2).id]


def test_the_file_does_not_grow_with_what_has_ended(tmp_path: Path) -> None:
    orders = Orders(tmp_path)
    orders.add([order(0)])
    one = (tmp_path / FILE).stat().st_size
    sizes = []
    for number in range(1, 2 * ENDED_MAX + 10):
        orders.add([order(number)])
        orders.end([order(number).id])
        sizes.append((tmp_path / FILE).stat().st_size)
    assert sizes[-1] < 1.5 * one * NAMED_MAX
    assert max(sizes) < 1.5 * one * ENDED_MAX
    assert names(Orders(tmp_path)) == [order(0).id]


def test_what_has_ended_is_remembered_until_it_is_taken_up_again(tmp_path: Path) -> None:
    orders = Orders(tmp_path)
    orders.add([keyed(1), keyed(2), order(3)])
    orders.end([keyed(1).id], "failed", "no candles")
    orders.end([keyed(2).id, order(3).id])
    for _ in range(2):  # out of its lines, and out of the file that is written anew
        orders = Orders(tmp_path)
        assert orders.open == {}
        assert orders.past == {
            keyed(1).id: Past(keyed(1), "failed", "no candles"), keyed(2).id: Past(keyed(2)),
            order(3).id: Past(order(3)),
        }  # fmt: skip
    orders.add([keyed(1)])  # it is taken up again
    assert set(Orders(tmp_path).past) == {keyed(2).id, order(3).id}


def test_of_too_many_the_oldest_is_forgotten(tmp_path: Path) -> None:
    orders = Orders(tmp_path)
    many = [keyed(number) for number in range(PAST_MAX + 1)]
    orders.add(many)
    orders.end(one.id for one in many)
    assert list(Orders(tmp_path).past) == [one.id for one in many[1:]]


def test_a_repeated_request_is_told_from_another_one() -> None:
    assert keyed(1).same(keyed(1))
    assert not keyed(1).same(keyed(1, "xyz"))
    assert order(1).same(keyed(1)), "a study is known by what it searches alone"
    assert not msgspec.structs.replace(order(1), evals=7).same(keyed(1))


@given(st.text(), st.text())
def test_a_name_is_the_same_for_the_same_request_alone(first: str, second: str) -> None:
    assert new_id() != new_id()
    if first and second:
        assert (new_id(first) == new_id(second)) == (first == second)


def test_a_file_that_cannot_be_read_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    orders = Orders(tmp_path)
    with pytest.raises(NotKept):
        orders.add([order(1)])
    assert orders.open == {}
    assert (tmp_path / FILE).is_dir()


def torn(folder: Path) -> Path:
    """Two orders, and half of one that was never acknowledged."""
    for number in (1, 2):
        Orders(folder).add([order(number)])
    with (folder / FILE).open("ab") as out:
        out.write(b'{"came":[{"id":"opt_')
    return folder


def test_no_order_is_put_behind_half_a_line_where_nothing_can_be_written_anew(
    tmp_path: Path,
) -> None:
    torn(tmp_path)
    (tmp_path / f"{FILE}.part").mkdir()  # where the new file would be written
    Orders(tmp_path).add([order(3)])
    assert names(Orders(tmp_path)) == [order(number).id for number in (1, 2, 3)]


def test_while_half_a_line_cannot_be_cut_off_no_order_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn(tmp_path)
    (tmp_path / f"{FILE}.part").mkdir()

    def refuses(file: int, size: int) -> None:
        raise OSError(5, f"no {size} bytes of {file}")

    with monkeypatch.context() as fault:
        fault.setattr(os, "ftruncate", refuses)
        orders = Orders(tmp_path)
        with pytest.raises(NotKept):
            orders.add([order(3)])
    orders.add([order(4)])
    assert names(Orders(tmp_path)) == [order(number).id for number in (1, 2, 4)]


def unreadable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Orders:
    """The disk does not give the file out just when the process starts."""

    def refuses(path: Path) -> bytes:
        raise OSError(5, "Input/output error", str(path))

    with monkeypatch.context() as fault:
        fault.setattr(Path, "read_bytes", refuses)
        orders = Orders(folder)
        with pytest.raises(NotKept, match="Input/output error"):
            orders.add([order(99)])
    return orders


def test_no_order_is_put_behind_half_a_line_of_a_file_that_could_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = unreadable(torn(tmp_path), monkeypatch)
    for number in (3, 4):
        orders.add([order(number)])
    assert names(Orders(tmp_path)) == [order(number).id for number in (1, 2, 3, 4)]


def test_of_a_whole_file_that_could_not_be_read_nothing_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Orders(tmp_path).add([order(1)])
    unreadable(tmp_path, monkeypatch).add([order(2)])
    assert names(Orders(tmp_path)) == [order(number).id for number in (1, 2)]


def test_nobody_who_asks_waits_for_the_disk_when_the_file_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders, waited = Orders(tmp_path), list[int]()
    monkeypatch.setattr(os, "fsync", waited.append)
    many = [order(number) for number in range(ENDED_MAX + 1)]
    orders.add(many)
    long = (tmp_path / FILE).stat().st_size
    orders.end([one.id for one in many])
    assert (tmp_path / FILE).stat().st_size < long, "it was written anew"
    assert waited == []


@pytest.mark.parametrize("odd", [b'{"moved":["opt_00000001"]}', b'{"ended":["\xff"]}', b"{"])
def test_a_line_of_another_version_is_left_in_the_file(tmp_path: Path, odd: bytes) -> None:
    Orders(tmp_path).add([order(1)])
    with (tmp_path / FILE).open("ab") as out:
        out.write(odd + b"\n")
    for number in (2, 3):
        orders = Orders(tmp_path)
        orders.add([order(number)])
        many = [order(100 + n) for n in range(ENDED_MAX + 1)]
        orders.add(many)
        orders.end(one.id for one in many)
        assert odd in (tmp_path / FILE).read_bytes().split(b"\n")
        assert names(Orders(tmp_path)) == [order(n).id for n in range(1, number + 1)]


def test_what_is_written_anew_is_for_the_owner_alone_and_leaves_nothing_beside(
    tmp_path: Path,
) -> None:
    torn(tmp_path)
    assert names(Orders(tmp_path)) == [order(1).id, order(2).id]
    assert [one.name for one in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / FILE).read_bytes().count(b"\n") == 1
