"""The built dashboard, read once: what a path may lead to is known before anybody asks."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

FOLDER: Final = Path(__file__).parent / "static"
INDEX: Final = "index.html"
PAGES: Final = (
    "/", "/v/{id}", "/compare", "/promotions", "/promotions/{id}", "/trades", "/jobs", "/jobs/{id}",
    "/jobs/{id}/validation", "/rounds/{number}", "/system", "/alerts", "/settings",
)  # fmt: skip
"""Addresses of the dashboard: the page itself knows what to show there."""
TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
HASHED: Final = re.compile(r"-[A-Za-z0-9_-]{8,}\.\w+$")
"""A file whose name changes with its content may be kept for ever."""
FOR_EVER: Final = "public, max-age=31536000, immutable"
GZIP_LEAST: Final = 1_024
PROGRAMS: Final = ("api", "ws", "metrics", "status", "assets")
"""What lies below these is asked for by programs: they are told in JSON that it is not there."""
NOT_BUILT: Final = (
    b"<!doctype html><title>liveopt</title><p>The dashboard has not been built; the API is at"
    b" <a href=/api/docs>/api/docs</a>.</p>"
)


@dataclass(frozen=True, slots=True)
class File:
    """One of them."""

    body: bytes
    packed: bytes | None
    content_type: str
    etag: str
    keep: bool

    def answer(self, request: web.Request) -> web.Response:
        """As this browser takes it."""
        headers = {"ETag": self.etag, "Vary": "Accept-Encoding"}
        headers["Cache-Control"] = FOR_EVER if self.keep else "no-cache"
        if request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = self.content_type
        body = self.body
        if self.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"], body = "gzip", self.packed
        return web.Response(body=body, headers=headers)


@dataclass(frozen=True, slots=True)
class Static:
    """By path, such as `/assets/index-3f2a91bc.js`."""

    files: Mapping[str, File] = field(default_factory=dict)

    @property
    def built(self) -> bool:
        """Whether there is a dashboard."""
        return f"/{INDEX}" in self.files

    async def page(self, request: web.Request) -> web.Response:
        """Any address of the dashboard."""
        index = self.files.get(f"/{INDEX}")
        if index is None:
            return web.Response(status=404, body=NOT_BUILT, content_type="text/html")
        return index.answer(request)

    def lost(self, request: web.Request) -> web.Response | None:
        """An address of no page, in a browser: the dashboard itself says so, and leads back."""
        index = self.files.get(f"/{INDEX}")
        wanted = "text/html" in request.headers.get("Accept", "")
        program = request.path.split("/")[1] in PROGRAMS
        if index is None or not wanted or program or request.method != "GET":
            return None
        return web.Response(
            status=404, body=index.body, headers={"Content-Type": index.content_type}
        )

    async def file(self, request: web.Request) -> web.Response:
        """One of its files."""
        return self.files[request.path].answer(request)


def load(folder: Path = FOLDER) -> Static:
    """Everything below a folder; links and odd endings are left out."""
    if not folder.is_dir():
        return Static()
    found: dict[str, File] = {}
    for path in sorted(folder.rglob("*")):
        kind = TYPES.get(path.suffix)
        if path.is_symlink() or not path.is_file() or kind is None:
            continue
        name = "/" + path.relative_to(folder).as_posix()
        found[name] = _file(path.read_bytes(), kind, keep=HASHED.search(name) is not None)
    return Static(found)


def _file(body: bytes, kind: str, *, keep: bool) -> File:
    packed = gzip.compress(body, 9, mtime=0) if len(body) >= GZIP_LEAST else None
    if packed is not None and len(packed) >= len(body):
        packed = None
    return File(body, packed, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"', keep)
