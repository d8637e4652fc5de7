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


HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_person_who_is_lost_sees_the_page_and_a_program_does_not(tmp_path: Path) -> None:
    files = built(tmp_path)
    for path in ("/nothing", "/v", "/compare/x", "/apis", "/promotions/a/b"):
        found = files.lost(make_mocked_request("GET", path, HTML))
        assert found is not None
        assert (found.status, found.body) == (404, b"<!doctype html>")
        assert "ETag" not in found.headers
    for method, path, headers in (
        ("GET", "/nothing", {}), ("GET", "/nothing", {"Accept": "*/*"}),
        ("GET", "/nothing", {"Accept": "application/json"}), ("POST", "/nothing", HTML),
        ("HEAD", "/nothing", HTML), ("GET", "/api", HTML), ("GET", "/api/v1/x", HTML),
        ("GET", "/%61pi/x", HTML), ("GET", "/ws/x", HTML), ("GET", "/metrics/x", HTML),
        ("GET", "/assets/index-00000000.js", HTML),
    ):  # fmt: skip
        assert files.lost(make_mocked_request(method, path, headers)) is None, (method, path)
    assert load(tmp_path / "none").lost(make_mocked_request("GET", "/nothing", HTML)) is None
