"""The ruler itself: what is read of a screenshot is what the browser has painted."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.pixels import background, contrast, decoded, strongest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STRIPES = """<body style="margin:0;background:#0e1116"><canvas width=64 height=48></canvas><script>
const pen = document.querySelector("canvas").getContext("2d");
for (let n = 0; n < 48; n++) { pen.fillStyle = `rgb(${5 * n}, ${250 - 3 * n}, ${(37 * n) % 256})`;
pen.fillRect(n, n, 64 - n, 1) }
</script>"""


def test_a_picture_is_read_as_it_was_painted(browser: "Browser") -> None:
    page = browser.new_page(viewport={"width": 64, "height": 48})
    page.set_content(STRIPES)
    found = decoded(browser, page.screenshot())
    page.close()
    assert found.shape == (48, 64, 3)
    for n in range(48):
        assert found[n, 63].tolist() == [5 * n, 250 - 3 * n, 37 * n % 256]
        assert (found[n, :n] == (0x0E, 0x11, 0x16)).all()
    assert background(found).tolist() == [0x0E, 0x11, 0x16]
    assert strongest(found) > 10


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [((0, 0, 0), (255, 255, 255), 21.0), ((119, 119, 119), (255, 255, 255), 4.48)],
)
def test_contrast_is_that_of_wcag(
    one: tuple[int, ...], other: tuple[int, ...], ratio: float
) -> None:
    assert float(contrast(np.array(one), np.array(other))) == pytest.approx(ratio, abs=0.005)
