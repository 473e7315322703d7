"""Servers of language models that reply with anything."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import socketserver
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
from pavas_qwen_vl import QwenVLDetector

from pavas_sdk.testing import moving_discs

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-secret/0123456789"
OK = b"HTTP/1.1 200 OK\r\n"


def prepare(folder: Path) -> None:
    """Set the key."""
    del folder
    os.environ["PAVAS_VLM_API_KEY"] = KEY


def case(rng: np.random.Generator, folder: Path) -> str:
    """Ask a hostile server; it must end in time, and the key must not come back."""
    del folder
    raw = reply(rng)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.request.recv(2**16)
                if rng.random() < 0.2:
                    for start in range(0, min(len(raw), 400), 4):
                        self.request.sendall(raw[start : start + 4])
                        time.sleep(0.01)
                else:
                    self.request.sendall(raw)
                self.request.shutdown(socket.SHUT_WR)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        part = QwenVLDetector(
            engine="server",
            server_url=f"http://127.0.0.1:{server.server_address[1]}/v1",
            timeout_s=1.0,
            server_retries=1,
            retry_wait_s=0.01,
            retries=1,
            max_frames=1,
        )
        began = time.monotonic()
        try:
            found = part.detect(moving_discs(1).source, rng=np.random.default_rng(0))
            assert KEY not in repr(found), "the key came back"
            return "answered"
        except Exception as err:
            if KEY in str(err) + repr(getattr(err, "answers", "")):
                raise AssertionError("the key came back") from err
            raise
        finally:
            server.shutdown()
            assert time.monotonic() - began < 30, "not in time"


def reply(rng: np.random.Generator) -> bytes:
    """One reply."""
    echoes = [KEY, KEY.replace("/", "\\/"), "".join(f"\\u{ord(c):04x}" for c in KEY)]
    texts = [
        f"I see {KEY}", "", "null", "[" * 50_000, '{"objects": 5}', '{"objects": [{"object": 5}]}',
        json.dumps({"objects": [{"object": f"hammer {KEY}", "action": KEY}]}), "{" * 100, "9" * 5000,
        '{"objects": [{"object": "\\ud800", "confidence": 1e999}]}', "\x1b[31m",
    ]  # fmt: skip
    content = json.dumps(texts[int(rng.integers(len(texts)))])
    bodies = [
        f'{{"choices": [{{"message": {{"content": {content}}}}}]}}', f'{{"error": "{echoes[int(rng.integers(3))]}"}}',
        "", "[" * 100_000, "null", '{"choices": {}}', '{"choices": [{"message": {"content": [{"text": 5}]}}]}', "9" * 5000,
    ]  # fmt: skip
    body = bodies[int(rng.integers(len(bodies)))].encode()
    status = int(rng.choice([200, 200, 200, 400, 401, 404, 429, 500, 503, 100, 302, 999]))
    head = f"HTTP/1.1 {status} X\r\n".encode()
    raw = (
        head
        + b"Content-Length: %d\r\n\r\n"
        % (len(body) + int(rng.choice([0, 0, 0, 100, -1 if body else 0])))
        + body
    )
    kind = int(rng.integers(6))
    if kind == 0:
        data = bytearray(raw)
        for place in rng.integers(0, len(data), max(1, len(data) // 50)):
            data[place] = int(rng.integers(256))
        return bytes(data)
    if kind == 1:
        return raw[: int(rng.integers(len(raw) + 1))]
    if kind == 2:
        return (
            OK
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + bytes(rng.choice([b"zz\r\n", b"ffffffff\r\nx", b"5\r\nhello\r\n0\r\n\r\n"]))
            + body
        )
    if kind == 3:
        return b"HTTP/1.1 100 Continue\r\n\r\n" * int(rng.integers(1, 50)) + raw
    return raw


def clean(folder: Path) -> None:
    """Forget a case."""
    shutil.rmtree(folder, ignore_errors=True)
