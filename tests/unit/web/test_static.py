"""Files of the dashboard: read once, packed once, found by their own names only."""

import gzip
from pathlib import Path

from aiohttp.test_utils import make_mocked_request

from liveopt.web.static import Static, load


def built(folder: Path) -> Static:
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "assets" / "index-3f2a91bc.js").write_text("let a = 1;\n" * 500)
    (folder / "assets" / "notes.md").write_text("no")
    (folder / "secret.txt").symlink_to("/etc/passwd")
    return load(folder)


async def test_what_is_there_is_known_and_nothing_else(tmp_path: Path) -> None:
    files = built(tmp_path)
    assert set(files.files) == {"/index.html", "/assets/index-3f2a91bc.js"}
    assert files.built
    assert not load(tmp_path / "nothing").built


async def test_a_file_is_packed_where_the_browser_takes_that_and_kept_if_it_can_be(
    tmp_path: Path,
) -> None:
    files = built(tmp_path)
    path = "/assets/index-3f2a91bc.js"
    plain = await files.file(make_mocked_request("GET", path))
    packed = await files.file(make_mocked_request("GET", path, {"Accept-Encoding": "br, gzip"}))
    assert isinstance(packed.body, bytes)
    assert gzip.decompress(packed.body) == plain.body
    assert "immutable" in packed.headers["Cache-Control"]
    page = await files.page(make_mocked_request("GET", "/v/x"))
    assert page.headers["Cache-Control"] == "no-cache"
    again = make_mocked_request("GET", path, {"If-None-Match": plain.headers["ETag"]})
    assert (await files.file(again)).status == 304
