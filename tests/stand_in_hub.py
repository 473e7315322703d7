"""A stand-in for the Hugging Face Hub on 127.0.0.1: repositories as folders, one revision each.

It answers what pushing and pulling small files asks for, parts of files included, so that downloads
can go on where they stopped; large-file uploads, branches and access rights are not there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Handler(BaseHTTPRequestHandler):
    root: Path
    requests: list[str]
    bytes_per_s: float | None = None

    def log_message(self, *_):
        pass

    def _send(self, status, body=b"", headers=None, *, head=False):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if head:
            return
        if self.bytes_per_s is None:
            self.wfile.write(data)
            return
        step = max(1, int(self.bytes_per_s / 50))
        for start in range(0, len(data), step):
            self.wfile.write(data[start : start + step])
            time.sleep(0.02)

    def _body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_POST(self):
        path = unquote(self.path.split("?")[0])
        self.requests.append(f"POST {path}")
        body = self._body()
        if path == "/api/repos/create":
            wanted = json.loads(body)
            name = f"{wanted.get('organization') or 'someone'}/{wanted['name']}"
            (self.root / name).mkdir(parents=True, exist_ok=True)
            self._send(200, {"url": f"http://127.0.0.1/{name}", "name": name, "id": name})
        elif path == "/api/validate-yaml":
            self._send(200, {"errors": [], "warnings": []})
        elif "/preupload/" in path:
            files = json.loads(body)["files"]
            answer = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files
            ]
            self._send(200, {"files": answer})
        elif "/commit/" in path:
            repository = path.removeprefix("/api/models/").split("/commit/")[0]
            for line in body.decode().splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    target = self.root / repository / entry["value"]["path"]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(base64.b64decode(entry["value"]["content"]))
            self._send(
                200,
                {
                    "commitUrl": f"http://127.0.0.1/{repository}/commit/{COMMIT}",
                    "commitOid": COMMIT,
                    "commitMessage": "m",
                },
            )
        else:
            self._send(404, {"error": path})

    def do_HEAD(self):
        self.do_GET(head=True)

    def do_GET(self, *, head=False):
        path = unquote(self.path.split("?")[0])
        self.requests.append(f"{'HEAD' if head else 'GET'} {path}")
        if path.startswith("/api/models/"):
            parts = path.removeprefix("/api/models/").split("/")
            repository, rest = "/".join(parts[:2]), parts[2:]
            folder = self.root / repository
            if not folder.is_dir():
                self._send(
                    404,
                    {"error": "Repository not found"},
                    {"X-Error-Code": "RepoNotFound"},
                    head=head,
                )
                return
            names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
            if rest[:1] == ["tree"]:
                tree = [
                    {
                        "type": "file",
                        "path": n,
                        "size": (folder / n).stat().st_size,
                        "oid": "0" * 40,
                    }
                    for n in names
                ]
                self._send(200, tree, head=head)
                return
            info = {
                "id": repository,
                "modelId": repository,
                "sha": COMMIT,
                "private": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "siblings": [{"rfilename": name} for name in names],
            }
            self._send(200, info, head=head)
            return
        repository, found, rest = path.lstrip("/").partition("/resolve/")
        file = self.root / repository / rest.partition("/")[2] if found else None
        if file is None or not file.is_file():
            self._send(
                404,
                {"error": "Entry not found"},
                {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT},
                head=head,
            )
            return
        data = file.read_bytes()
        etag = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        headers = {
            "ETag": f'"{etag}"',
            "X-Repo-Commit": COMMIT,
            "Content-Type": "application/octet-stream",
            "Accept-Ranges": "bytes",
        }
        start = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0]
        if head or start == "0":
            self._send(200, data, headers, head=head)
            return
        self.requests.append(f"PART {path} {start}")
        headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send(206, data[int(start) :], headers)


@contextmanager
def stand_in_hub(
    root: Path, *, bytes_per_s: float | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Serve ``root`` (owner/name/files) and yield the address and the list of requests so far."""
    seen: list[str] = []
    fields = {"root": root, "requests": seen, "bytes_per_s": bytes_per_s}
    handler = type("Handler", (_Handler,), fields)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
