"""What the pictures have in common."""

import io
import struct
import zlib

import matplotlib as mpl
import numpy as np

from liveopt.portfolio.reports.drawing import (
    HEIGHT_PX,
    WIDTH_PX,
    amount,
    drawable,
    sheet,
    short,
    wide,
)  # fmt: skip


def chunks(png: bytes) -> dict[bytes, bytes]:
    """The parts of a PNG by their kind; the picture's own joined."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found: dict[bytes, bytes] = {}
    file = io.BytesIO(png[8:])
    while head := file.read(8):
        size, kind = struct.unpack(">I4s", head)
        body = file.read(size)
        assert struct.unpack(">I", file.read(4))[0] == zlib.crc32(kind + body)
        found[kind] = found.get(kind, b"") + body
    return found


def size_of(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", chunks(png)[b"IHDR"][:8])
    return width, height


def test_a_picture_has_its_size_and_says_nothing_of_who_made_it_and_when() -> None:
    with sheet("Title $x^2$", "subtitle \\frac{") as (_, content):
        pass
    assert size_of(content.getvalue()) == (WIDTH_PX, HEIGHT_PX)
    assert not {b"tEXt", b"iTXt", b"zTXt", b"tIME"} & chunks(content.getvalue()).keys()


def test_a_picture_does_not_depend_on_the_machines_own_settings() -> None:
    def drawn() -> bytes:
        with sheet("Title", "subtitle") as (figure, content):
            figure.add_subplot().plot([1, 2], [3, 4])
        return content.getvalue()

    usual = drawn()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 20}):
        assert drawn() == usual
        assert mpl.rcParams["font.size"] == 30


def test_what_has_no_place_on_an_axis_is_left_out() -> None:
    found = drawable(np.array([1.0, np.inf, -np.inf, np.nan]))
    assert np.isnan(found).tolist() == [False, True, True, True]


def test_money_beside_a_line_is_short() -> None:
    assert amount(-43.651) == "-43.65"
    assert amount(1_234_567.8) == "1,234,568"


def test_a_number_beside_a_mark_is_short() -> None:
    told = [short(x) for x in (12.3456, 659_066.8578, 1_234_567.0, -4.2e9, 5e13, float("inf"))]
    assert told == ["12.3456", "659,067", "1.235 M", "-4.2 bn", "5e+13", "infinite"]


def test_values_of_more_than_three_decades_are_far_apart() -> None:
    assert wide(np.array([1.0, 1000.0, 0.0, np.nan, np.inf])) == 0.0
    assert wide(np.array([-1.0, 0.0, 1001.0])) == 1.0
    assert wide(np.array([1e-12, 1e3])) == 1e-6
    assert wide(np.array([0.0, np.nan])) == 0.0
