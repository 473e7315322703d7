"""The page in a real browser: upload, edit, generate, compare, download, and no other address."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from browser_world import Browser, needs_browser

from pavas_sdk import default_registry

pytestmark = pytest.mark.skipif(find_spec("gradio") is None, reason="needs pavas-sdk[ui]")

CLIP = Path(__file__).parents[2] / "examples/clips/bouncing_ball.mp4"
EDITOR = "document.querySelector('#pavas-editor').contentDocument"
WEIGHTS = Path(default_registry().get("pipeline", "pavas-tiny").load()())
SETTINGS = json.loads((WEIGHTS / "model_index.json").read_text("utf-8"))
FLAGS = f"[...{EDITOR}.querySelectorAll('.flag')]"

# pairs of neighbouring times on the ruler that are written over each other
OVERLAPS = f"""
[...{EDITOR}.querySelectorAll('.tick')].map(tick => tick.getBoundingClientRect())
  .filter(box => box.width).sort((a, b) => a.left - b.left)
  .filter((box, k, all) => k && box.left < all[k - 1].right).length
"""


# what a shell starts in the background, tests included, ignores Ctrl+C, and so do its children
INTERRUPTIBLE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from pavas_sdk.cli.main import main
main()
"""


class Page:
    """``pavas ui`` at work."""

    def __init__(self, folder):
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTIBLE, "ui", "--no-browser"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "TMPDIR": str(folder)},
        )
        self.url = self._process.stdout.readline().strip()

    def close(self):
        self._process.send_signal(signal.SIGINT)
        code = self._process.wait(timeout=60)
        self._process.stdout.close()
        return code


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    page = Page(tmp_path_factory.mktemp("files"))
    yield page
    assert page.close() == 0
    left = [entry.name for entry in page.folder.iterdir()]
    assert [name for name in left if name.startswith(("pavas", "gradio"))] == []


@pytest.fixture
def browser(tmp_path):
    browser = Browser(tmp_path / "profile", width=1360, height=1100)
    yield browser
    browser.close()


def edit(browser, selector, value):
    browser.js(
        f"(() => {{ const input = {EDITOR}.querySelector({selector!r}); input.value = {value!r};"
        "for (const kind of ['input', 'change'])"
        "input.dispatchEvent(new Event(kind, { bubbles: true })); })()"
    )


def place(browser, element):
    """The middle of an element of the editor, in the coordinates of the window."""
    browser.js(f"{element}.scrollIntoView({{ block: 'center' }})")
    return browser.js(
        f"(() => {{ const outer = document.querySelector('#pavas-editor').getBoundingClientRect(),"
        f"box = {element}.getBoundingClientRect();"
        "return [outer.x + box.x + box.width / 2, outer.y + box.y + box.height / 2]; })()"
    )


@needs_browser
def test_from_the_video_to_the_download(page, browser, tmp_path):
    browser.goto(page.url)
    browser.wait("document.querySelector('#video input[type=file]')")
    browser.upload("#video input[type=file]", CLIP)
    browser.wait(f"{EDITOR}.querySelector('.card')", 300)
    browser.wait(f"{EDITOR}.querySelector('#video').readyState >= 2")

    browser.js("document.querySelector('#generate').click()")
    browser.wait(f"{EDITOR}.querySelectorAll('.track.wave').length === 1", 300)

    # a mass by its slider: the card, the energies and the status follow
    edit(browser, "input[type=range][data-edit=mass]", "1")
    browser.wait(f"{EDITOR}.querySelector('.mass strong').textContent === '10 kg'")
    browser.wait("document.querySelector('#status').textContent.includes('ball 10 kg')")

    # an impact is dragged, another added by its button, one removed by a key
    count = browser.js(f"{FLAGS}.length")
    before = browser.js(f"Number({FLAGS}[0].dataset.seek)")
    x, y = place(browser, f"{FLAGS}[0]")
    browser.mouse((x, y), (x - 10, y), (x - 40, y))
    browser.wait(f"Number({FLAGS}[0].dataset.seek) < {before} - 0.05")
    assert browser.js(f"{FLAGS}.length") == count
    browser.js(f"{EDITOR}.defaultView.pavasReport.seek(0.9)")
    browser.wait(f"Math.abs({EDITOR}.querySelector('#video').currentTime - 0.9) < 0.01")
    browser.js(f"{EDITOR}.querySelector('#add-impact').click()")
    browser.wait(f"{FLAGS}.length === {count + 1}")
    browser.wait(f"{EDITOR}.querySelector('.flag.chosen')?.dataset.seek.startsWith('0.9')")
    browser.js(
        f"{EDITOR}.dispatchEvent(new KeyboardEvent('keydown', {{ key: 'Delete', bubbles: true }}))"
    )
    browser.wait(f"{FLAGS}.length === {count}")

    # the second sound, with its stems, stands below the first, and each can be heard
    browser.js(
        "[...document.querySelectorAll('button')].find(b => b.textContent.includes('Settings')).click()"
    )
    browser.wait("document.querySelector('#stems input[type=checkbox]')")
    time.sleep(1.0)  # no person clicks while what was folded is still being put together
    browser.js("document.querySelector('#stems input[type=checkbox]').click()")
    browser.wait("document.querySelector('#stems input[type=checkbox]').checked")
    time.sleep(0.5)
    browser.js("document.querySelector('#generate').click()")
    browser.wait(f"{EDITOR}.querySelectorAll('.track.wave').length === 2", 300)
    names = browser.js(f"[...{EDITOR}.querySelectorAll('[data-hear]')].map(b => b.dataset.hear)")
    assert [name.split(":")[0] for name in names] == ["2", "1"]
    assert names[1] == "1: as seen"
    browser.js(f"{EDITOR}.querySelectorAll('[data-hear]')[1].click()")
    pressed = f"{EDITOR}.querySelector('[data-hear][aria-pressed=true]').dataset.hear"
    assert browser.js(pressed) == "1: as seen"
    browser.wait("document.querySelector('#history').textContent.includes('as seen')")

    # what is downloaded is a sound, that of its only object, a video and two JSON files
    browser.wait("document.querySelectorAll('#download a[href]').length === 5", 120)
    links = browser.js("[...document.querySelectorAll('#download a[href]')].map(a => a.href)")
    assert sorted(link.rsplit(".", 1)[1] for link in links) == ["json", "json", "mp4", "wav", "wav"]
    assert [link for link in links if link.endswith("-2.stem0-ball.wav")]
    sound = next(link for link in links if link.endswith("-2.wav"))
    head = browser.js(
        f"fetch({sound!r}).then(r => r.arrayBuffer()).then(b => String.fromCharCode("
        "...new Uint8Array(b).slice(0, 4)))"
    )
    assert head == "RIFF"

    # settings that are left alone are the model's own
    told = next(link for link in links if link.endswith("-2.pavas.json"))
    made = browser.js(f"fetch({told!r}).then(answer => answer.json())")
    assert made["guidance_scale"] is None
    for name in ("num_inference_steps", "physics_guidance_scale"):
        assert made[name] == SETTINGS[name]

    # nothing is cut off on a narrow screen; the pictures are for whoever looks at a failure
    browser.screenshot(tmp_path / "wide.png", full=True)
    assert browser.js(OVERLAPS) == 0
    browser.resize(400, 900)
    browser.wait(f"{EDITOR}.documentElement.clientWidth < 400")
    browser.wait("document.documentElement.scrollWidth <= 400")
    browser.wait(f"{EDITOR}.documentElement.scrollWidth <= {EDITOR}.documentElement.clientWidth")
    browser.wait(  # the frame is as high as what is in it
        f"Math.abs({EDITOR}.querySelector('main').offsetHeight"
        " - document.querySelector('#pavas-editor').clientHeight) < 4"
    )
    browser.screenshot(tmp_path / "narrow.png", full=True)
    assert browser.js(f"{EDITOR}.querySelectorAll('.tick.few').length") >= 3
    assert browser.js(OVERLAPS) == 0

    outside = [
        url
        for url in browser.requests
        if not url.startswith((page.url, "data:", "blob:", "about:"))
    ]
    assert outside == []
    assert browser.complaints == []


@needs_browser
def test_what_is_no_video_is_said(page, browser, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no video")
    browser.goto(page.url)
    browser.wait("document.querySelector('#video input[type=file]')")
    browser.upload("#video input[type=file]", broken)
    browser.wait("document.body.textContent.includes('broken.mp4')")
    browser.wait("document.querySelector('.toast-body.error')", 60)
    assert "video" in browser.js("document.querySelector('.toast-body.error').textContent")


def test_it_is_served_to_this_machine_alone(page):
    assert page.url.startswith("http://127.0.0.1:")
