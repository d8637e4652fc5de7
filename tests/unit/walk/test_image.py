"""A state as bytes: what cannot be gone on with is refused by name."""

import struct

import msgspec
import pytest

from liveopt.walk.image import BadImage, image, restored
from liveopt.walk.state import State
from tests.run import folded, opening, strategies, ticks, variants

PEOPLE = variants(6)

RUN = folded([*opening(PEOPLE), *ticks(100, step_s=20.0)])


def test_a_run_that_is_still_to_begin_has_an_image_too() -> None:
    assert image(restored(image(State(strategies())), strategies())) == image(State(strategies()))


def test_two_images_of_one_state_are_the_same_bytes() -> None:
    assert image(RUN.state) == image(RUN.state) == image(restored(image(RUN.state), strategies()))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-7],
        lambda data: b"",
        lambda data: data.replace(b"ma_crossover", b"mb_crossover"),
        lambda data: data.replace(b"\xa6format\x04", b"\xa6format\x03"),
        lambda data: data.replace(b"\xa5a_net", b"\xa5b_net"),
    ],
)
def test_what_is_no_image_of_this_program_is_refused(spoil: object) -> None:
    data = spoil(image(RUN.state))  # type: ignore[operator]
    assert data != image(RUN.state)
    with pytest.raises(BadImage):
        restored(data, strategies())


def test_an_image_of_other_variants_than_it_says_is_refused() -> None:
    plain = msgspec.msgpack.decode(image(RUN.state))
    group = plain["markets"][0]["groups"][1]
    packed = group["seats"][0][3]
    number = group["seats"][0][1][4].index("fraction")
    group["seats"][0][3] = (
        packed[: 8 + 8 * number] + struct.pack("=d", 0.77) + packed[16 + 8 * number :]
    )
    with pytest.raises(BadImage, match="of other variants"):
        restored(msgspec.msgpack.encode(plain), strategies())
    group["seats"][0][3] = packed[:-1]
    with pytest.raises(BadImage, match="not those that it has names for"):
        restored(msgspec.msgpack.encode(plain), strategies())
    group["seats"].pop(0)
    with pytest.raises(BadImage):
        restored(msgspec.msgpack.encode(plain), strategies())
