"""A server with OpenAI's chat interface for tests, on 127.0.0.1: real HTTP, scripted replies."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StandInServer:
    """Replies from a script, in order, then with ``answer`` for ever.

    Attributes:
        answer: A text, or a function from the request's JSON to a text.
        script: Entries (status, body, headers); a body of None is silence.
        requests: The requests: path, headers and JSON.
        busiest: The most requests that were there at a time.
        waits_for: No reply leaves before so many were there at a time (or 20 s have passed).
    """

    def __init__(self, answer="{}"):
        self.answer = answer
        self.script = []
        self.requests = []
        self.busiest = self._busy = 0
        self.pause_s = 0.0
        self.waits_for = 0
        self._lock = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer._reply(self)

            def log_message(self, *args):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _reply(self, handler):
        data = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self._lock:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
            self.requests.append((handler.path, dict(handler.headers), data))
            scripted = self.script.pop(0) if self.script else None
            self._lock.notify_all()
            self._lock.wait_for(lambda: self.busiest >= self.waits_for, timeout=20.0)
        time.sleep(self.pause_s)
        with self._lock:
            self._busy -= 1  # before the reply, which lets the next request come
        with contextlib.suppress(OSError):  # the client has gone
            self._send(handler, data, scripted)

    def _send(self, handler, data, scripted):
        if scripted is None:
            text = self.answer(data) if callable(self.answer) else self.answer
            body = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]})
            scripted = (200, body, {})
        status, body, headers = scripted
        if body is None:
            time.sleep(1.0)
            return
        raw = body.encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)


@contextlib.contextmanager
def raw_server(parts, pause_s=0.0):
    """A server that sends ``parts``, whatever it is asked, and hangs up.

    Yields:
        The URL, and a list that grows by the first bytes of each request.
    """
    asked = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            asked.append(self.request.recv(2**16))
            with contextlib.suppress(OSError):  # the client has gone
                for part in parts:
                    self.request.sendall(part)
                    time.sleep(pause_s)
                # hanging up on unread bytes would reset the connection
                self.request.shutdown(socket.SHUT_WR)
                while self.request.recv(2**16):
                    pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", asked
        server.shutdown()
