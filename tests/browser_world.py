"""A real browser for tests: Chromium, driven over its debugging pipe, so that no driver is needed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

needs_browser = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="needs the browser chromium"
)


# the browser reads commands from descriptor 3 and answers on 4
_ON_3_AND_4 = """
import os, sys
read, write = (os.dup(int(number)) for number in sys.argv[1:3])
read, write = os.dup(read), os.dup(write)
os.dup2(read, 3)
os.dup2(write, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One tab of a headless Chromium.

    Attributes:
        requests: Every address that was asked for, also those that were refused.
        complaints: Messages of errors in pages.
    """

    def __init__(self, profile, *, width=1280, height=900):
        to_child, from_us = os.pipe()
        to_us, from_child = os.pipe()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-S", "-c", _ON_3_AND_4, str(to_child), str(from_child)),
                "chromium",
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--mute-audio",
                "--autoplay-policy=no-user-gesture-required",
                "--remote-debugging-pipe",
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
            ],
            pass_fds=(to_child, from_child),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_child)
        os.close(from_child)
        self._in, self._out = os.fdopen(to_us, "rb", buffering=0), os.fdopen(from_us, "wb", 0)
        os.set_blocking(self._in.fileno(), False)
        self._buffer, self._count, self._session = b"", 0, None
        self.requests, self.complaints, self._answers = [], [], {}
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "DOM", "Log"):
            self._call(f"{domain}.enable")
        self.resize(width, height)

    def close(self):
        self._process.terminate()
        self._process.wait(timeout=20)
        self._in.close()
        self._out.close()

    def resize(self, width, height):
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def goto(self, url):
        self._call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def js(self, expression):
        """Return the value of an expression; a promise is awaited."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression, seconds=30.0):
        """Wait until an expression holds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.js(
                f"(() => {{ try {{ return !!({expression}); }} catch {{ return false; }} }})()"
            ):
                return
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {expression}; {self.complaints}")

    def upload(self, selector, path):
        """Give a file to a file input."""
        root = self._call("DOM.getDocument", depth=0)["root"]["nodeId"]
        node = self._call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        assert node, selector
        self._call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def mouse(self, *points):
        """Press at the first point, move through the others, release at the last."""

        def send(kind, point, buttons=1):
            self._call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=point[0],
                y=point[1],
                button="left",
                buttons=buttons,
                clickCount=1,
            )

        send("mouseMoved", points[0], 0)
        send("mousePressed", points[0])
        for point in points[1:]:
            send("mouseMoved", point)
        send("mouseReleased", points[-1], 0)

    def screenshot(self, path, *, full=False):
        options = {"captureBeyondViewport": True} if full else {}
        if full:
            size = self._call("Page.getLayoutMetrics")["cssContentSize"]
            options["clip"] = {
                "x": 0,
                "y": 0,
                **{k: size[k] for k in ("width", "height")},
                "scale": 1,
            }
        data = self._call("Page.captureScreenshot", format="png", **options)["data"]
        Path(path).write_bytes(base64.b64decode(data))

    def _call(self, method, **params):
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        end = time.monotonic() + 60
        while self._count not in self._answers:
            assert time.monotonic() < end, f"{method}: no answer"
            self._read()
        answer = self._answers.pop(self._count)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def _read(self):
        chunk = self._in.read(1 << 20)
        if not chunk:
            assert self._process.poll() is None, "the browser ended"
            time.sleep(0.005)
            return
        *whole, self._buffer = (self._buffer + chunk).split(b"\0")
        for text in whole:
            message = json.loads(text)
            if "id" in message:
                self._answers[message["id"]] = message
            elif message["method"] == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            elif message["method"] == "Runtime.exceptionThrown":
                self.complaints.append(str(message["params"]["exceptionDetails"])[:500])
            elif message["method"] == "Log.entryAdded":
                entry = message["params"]["entry"]
                self.complaints.append(f"{entry['level']}: {entry['text'][:400]}")
