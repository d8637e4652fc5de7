"""A screenshot as numbers, and how well its colours can be told apart."""

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Pixels = npt.NDArray[np.uint8]
"""Rows, columns, and red, green, blue."""
DECODE = """async (png) => {
  const bytes = Uint8Array.from(atob(png), (one) => one.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = new OffscreenCanvas(image.width, image.height);
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, image.width, image.height);
  let text = "";
  for (let n = 0; n < data.length; n += 32768)
    text += String.fromCharCode(...data.subarray(n, n + 32768));
  return [image.height, image.width, btoa(text)];
}"""


def decoded(browser: "Browser", png: bytes) -> Pixels:
    """The pixels of a PNG, read by an empty page."""
    page = browser.new_page()
    try:
        height, width, text = page.evaluate(DECODE, base64.b64encode(png).decode())
    finally:
        page.close()
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[:, :, :3]


def luminance(colours: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Relative luminance of sRGB colours (WCAG 2.2)."""
    share = colours / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    found: npt.NDArray[np.float64] = linear @ np.array([0.2126, 0.7152, 0.0722])
    return found


def contrast(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Contrast ratio of two colours (WCAG 2.2), 1 to 21."""
    a, b = luminance(one), luminance(other)
    found: npt.NDArray[np.float64] = (np.maximum(a, b) + 0.05) / (np.minimum(a, b) + 0.05)
    return found


def background(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """The colour there is most of."""
    colours, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    found: npt.NDArray[np.uint8] = colours[counts.argmax()]
    return found


def strongest(pixels: Pixels) -> float:
    """Contrast of what stands out most from the background."""
    return float(contrast(pixels.reshape(-1, 3), background(pixels)).max())
