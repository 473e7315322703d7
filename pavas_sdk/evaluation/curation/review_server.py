"""Serves the review page to the browser of this machine, and to nobody else.

The server listens on 127.0.0.1. It answers only requests that name this address, and takes changes
only with the secret that it wrote into its own page: a page from elsewhere, open in the same browser,
can neither read nor change the list.
"""

from __future__ import annotations

import json
import secrets
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from pavas_sdk.errors import ConfigurationError, PavasError
from pavas_sdk.evaluation.curation.review_media import moment_media

if TYPE_CHECKING:
    from pavas_sdk.evaluation.curation.review import Review

__all__ = ["ReviewServer"]

HOST = "127.0.0.1"
_MOST_BYTES = 100_000
_SECRET = "X-Review-Secret"


class ReviewServer(ThreadingHTTPServer):
    """The server of one review.

    Args:
        review: The list.
        port: Of this machine; 0 takes a free one.

    Raises:
        ConfigurationError: The port is taken.
    """

    daemon_threads = True

    def __init__(self, review: Review, *, port: int = 0) -> None:
        self.review = review
        self.secret = secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as err:
            raise ConfigurationError(
                f"port {port} of {HOST} cannot be used: {err.strerror}; leave --port out for a free one"
            ) from err

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_address[1]}/"

    @cached_property
    def page(self) -> bytes:
        """The page with the secret in it."""
        text = resources.files("pavas_sdk.evaluation.curation").joinpath("review.html")
        return text.read_text("utf-8").replace("{{secret}}", self.secret).encode()


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    server_version = "pavas"

    @property
    def _review(self) -> ReviewServer:
        return cast("ReviewServer", self.server)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: stderr is for people."""

    def do_GET(self) -> None:
        """Give the page, the list, or the second around a moment."""
        if not self._is_ours():
            return
        path = urlsplit(self.path).path
        if path == "/":
            self._send(HTTPStatus.OK, self._review.page, "text/html; charset=utf-8")
        elif path == "/list":
            self._answer(self._review.review.to_json)
        elif path.startswith("/moment/") and path.removeprefix("/moment/").isdecimal():
            self._answer(lambda: self._media(int(path.removeprefix("/moment/"))))
        else:
            self._fail(HTTPStatus.NOT_FOUND, "there is nothing here")

    def do_POST(self) -> None:
        """Change a moment, or add one."""
        if not self._is_ours(changes=True):
            return
        try:
            length = int(self.headers.get("Content-Length", "0"))
            if not 0 < length <= _MOST_BYTES:
                raise ValueError("no content, or too much")
            asked = json.loads(self.rfile.read(length))
            if not isinstance(asked, dict):
                raise TypeError("not a JSON object")
        except (ValueError, TypeError) as err:
            self._fail(HTTPStatus.BAD_REQUEST, f"not a request of this page: {err}")
            return
        review, path = self._review.review, urlsplit(self.path).path
        if path.startswith("/moment/") and path.removeprefix("/moment/").isdecimal():
            self._answer(lambda: review.change(int(path.removeprefix("/moment/")), asked))
        elif path == "/add":
            self._answer(lambda: review.add(str(asked.get("clip")), asked.get("time_s", -1)))
        else:
            self._fail(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _media(self, number: int) -> dict[str, Any]:
        clip_id, time_s = self._review.review.clip_of(number)
        return moment_media(self._review.review.videos[clip_id], time_s)

    def _is_ours(self, *, changes: bool = False) -> bool:
        """Refuse what another page sent: another host's name, or a change without the secret."""
        port = self._review.server_address[1]
        if self.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}"):
            self._fail(HTTPStatus.FORBIDDEN, "this page is served to this machine only")
            return False
        given = self.headers.get(_SECRET, "")
        if changes and not secrets.compare_digest(given.encode(), self._review.secret.encode()):
            self._fail(HTTPStatus.FORBIDDEN, "changes are taken from this review's own page only")
            return False
        return True

    def _answer(self, make: Any) -> None:
        try:
            content = json.dumps(make(), allow_nan=False).encode()
        except PavasError as err:
            self._fail(HTTPStatus.CONFLICT, str(err))
            return
        self._send(HTTPStatus.OK, content, "application/json")

    def _fail(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True  # what was sent with it may be unread
        self._send(status, json.dumps({"error": why}).encode(), "application/json")

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header(
            "Content-Security-Policy",
            "default-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self' data:",
        )
        self.end_headers()
        self.wfile.write(content)
