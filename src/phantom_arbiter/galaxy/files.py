"""The built pages: what Vite wrote beside this file, nothing else.

The folder is listed, and only what was listed can be asked for: no path of a request ever touches the disk.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from phantom_arbiter.galaxy.answers import Sorry

STATIC = Path(__file__).parent / "static"
MISSING = (
    "The pages of the dashboard are not built: install Node (20 from 20.19, or 22.12 and later), then run"
    " `make install` in the clone (a wheel has them inside). /api, /ws and /metrics work without them.\n"
)
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
FOR_EVER = "public, max-age=31536000, immutable"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bodies by encoding ("" for none), read when it was listed."""

    media_type: str
    bodies: dict[str, bytes]
    etag: str
    cache: str


class Pages:
    """The files under `folder`, listed again when its index.html has changed."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder
        self._assets: dict[str, Asset] = {}
        self._stamp: tuple[int, int] | None = None

    def asset(self, path: str) -> Asset | None:
        """Return what `path` of a URL stands for; None if nothing."""
        self._list()
        return self._assets.get("/index.html" if path == "/" else path)

    def _list(self) -> None:
        try:
            status = (self._folder / "index.html").stat()
            stamp = (status.st_mtime_ns, status.st_ino)
        except OSError:
            self._assets, self._stamp = {}, None
            return
        if stamp == self._stamp:
            return
        try:
            self._assets = {
                f"/{path.relative_to(self._folder).as_posix()}": _asset(path)
                for path in sorted(self._folder.rglob("*"))
                if path.is_file() and not path.is_symlink() and path.suffix not in (".br", ".gz")
            }
            self._stamp = stamp
        except OSError:
            # Being built right now: what was listed before holds until the next question.
            return

    async def answer(self, request: Request) -> Response:
        """Answer a request for a page or one of its parts."""
        asset = self.asset(request.url.path)
        if asset is None:
            if not self._assets and request.url.path == "/":
                return PlainTextResponse(MISSING, status_code=503)
            raise Sorry(404, "there is nothing here")
        encoding = _chosen(request.headers.get("accept-encoding", ""), asset)
        headers = {
            "cache-control": asset.cache,
            "etag": f'"{asset.etag}{"-" if encoding else ""}{encoding}"',
            "vary": "Accept-Encoding",
        }
        if encoding:
            headers["content-encoding"] = encoding
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(asset.bodies[encoding], media_type=asset.media_type, headers=headers)


def _asset(path: Path) -> Asset:
    bodies = {"": path.read_bytes()}
    for name, suffix in ENCODINGS:
        packed = path.with_name(path.name + suffix)
        if packed.is_file():
            bodies[name] = packed.read_bytes()
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(
        media_type=TYPES.get(path.suffix, guessed),
        bodies=bodies,
        etag=hashlib.sha256(bodies[""]).hexdigest()[:32],
        # Vite puts a hash of the content into the names under assets/.
        cache=FOR_EVER if path.parent.name == "assets" else "no-cache",
    )


def _chosen(accepted: str, asset: Asset) -> str:
    """Return the encoding to answer in; RFC 9110, section 12.5.3."""
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, parameter = part.partition(";")
        key, _, weight = parameter.strip().partition("=")
        try:
            weights[name.strip()] = float(weight) if key.strip() == "q" else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    for name, _ in ENCODINGS:
        if name in asset.bodies and weights.get(name, weights.get("*", 0.0)) > 0:
            return name
    return ""
