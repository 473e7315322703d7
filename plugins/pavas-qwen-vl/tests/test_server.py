"""The engine that asks a server, against a stand-in on 127.0.0.1. Never imports torch."""

import asyncio
import base64
import io
import json
import logging
import subprocess
import sys
import time

import numpy as np
import pytest
from pavas_qwen_vl import AnswerError, QwenVLDetector, QwenVLMassEstimator, ServerError
from PIL import Image
from stand_in_server import StandInServer, raw_server

from pavas_sdk.errors import ConfigurationError, PavasWarning
from pavas_sdk.registry import component_ref
from pavas_sdk.testing import (
    mass_estimator_checks,
    moving_discs,
    moving_object_detector_checks,
    parametrize_with_checks,
)

KEY = "sk-very-secret-0123456789"
HAMMER = '{"objects": [{"object": "hammer", "action": "striking a nail", "confidence": 0.9}]}'


def scripted_answer(data):
    """What a good model would say: it counts what it is asked about."""
    text = data["messages"][0]["content"][-1]["text"]
    if "Estimate the mass" not in text:
        return f"```json\n{HAMMER}\n```"
    count = sum(line[:1].isdigit() for line in text.splitlines())
    masses = [{"id": n, "mass_kg": f"{n * 500} g"} for n in range(1, count + 1)]
    return json.dumps({"masses": masses})


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("PAVAS_VLM_API_KEY", raising=False)
    made = StandInServer(scripted_answer)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_server():
    made = StandInServer(scripted_answer)
    URL.append(made.url)
    yield made
    made.close()
    URL.clear()


URL: list[str] = []


def options(url, **more):
    return {"engine": "server", "server_url": url, "retry_wait_s": 0.01, "max_frames": 4} | more


def detector(**more):
    return QwenVLDetector(**options(URL[0], **more))


def mass_estimator(**more):
    return QwenVLMassEstimator(**options(URL[0], **more))


@pytest.mark.usefixtures("shared_server")
@parametrize_with_checks(moving_object_detector_checks(detector))
def test_contract_of_the_detector(check, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    check()


@pytest.mark.usefixtures("shared_server")
@parametrize_with_checks(mass_estimator_checks(mass_estimator))
def test_contract_of_the_mass_estimator(check, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    check()


def detect(server, clip=None, **more):
    part = QwenVLDetector(**options(server.url, **more))
    return part.detect((clip or moving_discs(1)).source, rng=np.random.default_rng(0))


def weigh(server, clip=None, seed=0, **more):
    part = QwenVLMassEstimator(**options(server.url, **more))
    clip = clip or moving_discs(2)
    return part.estimate_mass(clip.source, clip.objects, rng=np.random.default_rng(seed))


def test_request_holds_frames_with_their_times_the_prompt_and_the_schema(server):
    (found,) = detect(server, moving_discs(1, frames=50))
    assert (found.label, found.action, found.score) == ("hammer", "striking a nail", 0.9)
    ((path, _, data),) = server.requests
    assert path == "/v1/chat/completions"
    assert data["model"] == "Qwen/Qwen2.5-VL-7B-Instruct"
    assert data["temperature"] == 0
    content = data["messages"][0]["content"]
    assert [part["text"] for part in content[:-1:2]] == ["0.25 s:", "0.75 s:", "1.25 s:", "1.75 s:"]
    picture = content[1]["image_url"]["url"].removeprefix("data:image/jpeg;base64,")
    assert Image.open(io.BytesIO(base64.b64decode(picture))).size == (64, 48)
    assert "camera moves" in content[-1]["text"]
    assert "objects" in data["response_format"]["json_schema"]["schema"]["properties"]


def test_slow_motion_and_the_users_words_are_told(server):
    detect(server, moving_discs(1, time_scale=4.0))
    part = QwenVLDetector(**options(server.url))
    part.detect(moving_discs(1).source, prompt="a nail <|im_end|>$x", rng=np.random.default_rng(0))
    first, second = (data["messages"][0]["content"][-1]["text"] for _, _, data in server.requests)
    assert "4 times slower" in first
    assert "says about it: a nail $x" in second


def test_masses_are_normalised(server):
    masses = weigh(server)
    assert {i: mass.mass_kg for i, mass in masses.items()} == {0: 0.5, 1: 1.0}


def test_samples_are_pooled_and_asked_at_a_time_within_the_limit(server):
    seeds = []

    def answer(data):
        seeds.append(data["seed"])
        return json.dumps({"masses": [{"id": 1, "mass_kg": 10.0 ** (len(seeds) % 3)}]})

    server.answer = answer
    server.pause_s = 0.05
    server.waits_for = 2
    masses = weigh(server, moving_discs(1), num_samples=6, max_concurrency=2)
    assert masses[0].mass_kg == pytest.approx(10.0)
    assert masses[0].log_std > 1
    assert len(set(seeds)) == 6
    assert server.busiest == 2
    assert {data["temperature"] for _, _, data in server.requests} == {0.7}


def test_concurrency_is_limited_over_all_components_of_a_server(server):
    import threading

    server.pause_s = 0.05
    parts = [QwenVLDetector(**options(server.url, max_concurrency=1)) for _ in range(4)]
    clip = moving_discs(1)
    threads = [
        threading.Thread(target=part.detect, args=(clip.source,), kwargs={"rng": None})
        for part in parts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 4
    assert server.busiest == 1


def test_what_is_missing_is_asked_about_once_more_then_left_out(server):
    server.answer = '{"masses": [{"id": 1, "mass_kg": 0.5}]}'
    masses = weigh(server, moving_discs(3))
    assert {i: mass.mass_kg for i, mass in masses.items()} == {0: 0.5, 1: 0.5}
    texts = [data["messages"][0]["content"][-1]["text"] for _, _, data in server.requests]
    assert "1. violet ball (bouncing)\n2. green ball (bouncing)" in texts[1]
    assert len(texts) == 2


def test_an_unreadable_answer_is_asked_again_with_the_reason(server):
    replies = iter(["I see a hammer.", HAMMER])
    server.answer = lambda data: next(replies)
    assert len(detect(server)) == 1
    messages = server.requests[1][2]["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[1]["content"] == "I see a hammer."
    assert "there is no JSON in it" in messages[2]["content"]


def test_it_is_asked_a_bounded_number_of_times(server):
    server.answer = "I see a hammer."
    with pytest.raises(AnswerError, match="I see a hammer") as caught:
        detect(server, retries=2)
    assert caught.value.answers == ("I see a hammer.",) * 3
    assert len(server.requests) == 3


def test_nothing_moves(server):
    server.answer = '{"objects": []}'
    assert detect(server) == []


def test_forty_objects(server):
    things = [{"object": f"ball {n}", "action": "", "size_percent": n} for n in range(40)]
    server.answer = json.dumps({"objects": things})
    with pytest.warns(
        PavasWarning, match=r"40 moving objects.*5 largest.*left out: ball 0, ball 1"
    ):
        found = detect(server, max_objects=5)
    assert [thing.label for thing in found] == [f"ball {n}" for n in range(35, 40)]
    assert [thing.object_id for thing in found] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("failure", [(503, "busy", {}), (429, "slow down", {"Retry-After": "0"}),
                                     (200, None, {}), (500, "", {})])  # fmt: skip
def test_passing_failures_are_tried_again(server, failure):
    server.script = [failure, failure]
    assert len(detect(server, timeout_s=0.3)) == 1
    assert len(server.requests) == 3


def test_lasting_failures_end_with_an_error_that_says_what_to_do(server):
    server.script = [(503, "busy", {})] * 10
    with pytest.raises(ServerError, match="status 503: 'busy'") as caught:
        detect(server, server_retries=2)
    assert caught.value.status == 503
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "server_schema=False"),
        (401, "PAVAS_VLM_API_KEY"),
        (404, r"model=\.\.\."),
        (302, "302"),
    ],
)
def test_refusals_are_not_tried_again(server, status, words):
    server.script = [(status, "no", {"Location": server.url})]
    with pytest.raises(ServerError, match=words):
        detect(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body", ["not json", "{}", '{"choices": []}', '{"choices": [{}]}', "[1]", "[" * 100_000]
)
def test_replies_of_another_interface(server, body):
    server.script = [(200, body, {})]
    with pytest.raises(ServerError, match="OpenAI's chat interface"):
        detect(server)


def test_content_in_parts_and_no_content(server):
    parts = [{"type": "text", "text": HAMMER[:20]}, {"type": "text", "text": HAMMER[20:]}]
    server.script = [(200, json.dumps({"choices": [{"message": {"content": parts}}]}), {})]
    assert len(detect(server)) == 1
    server.script = [(200, json.dumps({"choices": [{"message": {"content": None}}]}), {})]
    assert len(detect(server)) == 1


def test_no_server():
    part = QwenVLDetector(**options("http://127.0.0.1:9", server_retries=1))
    with pytest.raises(ServerError, match="is it running"):
        part.detect(moving_discs(1).source, rng=np.random.default_rng(0))


def test_silence(server):
    server.script = [(200, None, {})] * 2
    with pytest.raises(ServerError, match=r"no reply within 0\.2 s"):
        detect(server, server_retries=1, timeout_s=0.2)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2**20,
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
    ids=["nothing", "not http", "status", "long line", "incomplete", "chunk", "not gzip"],
)
def test_a_reply_that_is_no_http_is_an_error_of_the_server(raw, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("PAVAS_VLM_API_KEY", KEY)
    with raw_server([raw]) as (url, asked):
        part = QwenVLDetector(**options(url, server_retries=1))
        with pytest.raises(ServerError, match="could not be asked") as caught:
            part.detect(moving_discs(1).source, rng=np.random.default_rng(0))
    assert len(asked) == 2
    assert KEY not in repr(caught.value)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_a_server_that_drips_is_given_up_in_time(head, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with raw_server([head, *[b"H"] * 300], pause_s=0.02) as (url, _):
        part = QwenVLDetector(**options(url, server_retries=0, timeout_s=0.3))
        start = time.monotonic()
        with pytest.raises(ServerError, match=r"no reply within 0\.3 s"):
            part.detect(moving_discs(1).source, rng=np.random.default_rng(0))
        assert time.monotonic() - start < 3


def test_an_address_that_is_none(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    part = QwenVLDetector(**options("http://a b", server_retries=0))
    with pytest.raises(ServerError, match="could not be asked"):
        part.detect(moving_discs(1).source, rng=np.random.default_rng(0))


def test_within_a_running_event_loop(server):
    async def notebook():
        return detect(server)

    assert len(asyncio.run(notebook())) == 1


def test_the_key_goes_into_the_header_and_nowhere_else(server, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MY_KEY", KEY)
    part = QwenVLDetector(**options(server.url, server_key_variable="MY_KEY"))
    clip = moving_discs(1)
    part.detect(clip.source, rng=np.random.default_rng(0))
    _, headers, data = server.requests[0]
    assert headers["Authorization"] == f"Bearer {KEY}"
    server.script = [(401, f"wrong key {KEY}", {})]
    with pytest.raises(ServerError, match=r"wrong key \*\*\*") as caught:
        part.detect(clip.source, rng=np.random.default_rng(0))
    kept = [
        json.dumps(part.config.to_json()),
        json.dumps(component_ref(part).to_json()),
        json.dumps(data),
        repr(part),
        repr(vars(part)),
        repr(vars(part.engine())),
        repr(caught.value),
        caplog.text,
    ]
    assert all(KEY not in text for text in kept)


@pytest.mark.parametrize("key", ["a\nb", "clé"])
def test_a_broken_key_is_not_shown(server, monkeypatch, key):
    monkeypatch.setenv("PAVAS_VLM_API_KEY", key)
    with pytest.raises(ConfigurationError, match="PAVAS_VLM_API_KEY") as caught:
        detect(server)
    assert key not in str(caught.value)
    assert server.requests == []


def test_a_redirect_does_not_carry_the_key_away(server, monkeypatch):
    monkeypatch.setenv("PAVAS_VLM_API_KEY", KEY)
    other = StandInServer(HAMMER)
    server.script = [(307, "", {"Location": other.url + "/chat/completions"})]
    with pytest.raises(ServerError, match="307"):
        detect(server)
    assert other.requests == []
    other.close()


def test_the_server_engine_imports_no_torch(server):
    code = (
        "import sys, numpy as np\n"
        "from pavas_qwen_vl import QwenVLDetector\n"
        "from pavas_sdk.testing import moving_discs\n"
        f"part = QwenVLDetector(engine='server', server_url={server.url!r})\n"
        "assert part.detect(moving_discs(1).source, rng=np.random.default_rng(0))\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("key", ["sk-a/b-0123456789", KEY, 'sk-"quoted"\\0123'])
@pytest.mark.parametrize(
    "write",
    [
        lambda key: key,
        lambda key: key.replace("/", "\\/"),
        lambda key: "".join(f"\\u{ord(character):04X}" for character in key),
        lambda key: json.dumps(key)[1:-1],
    ],
    ids=["plain", "slash", "unicode", "json"],
)
def test_a_key_that_the_server_sends_back_is_masked(server, monkeypatch, key, write):
    monkeypatch.setenv("PAVAS_VLM_API_KEY", key)
    echoed = write(key)
    content = json.dumps({"objects": [{"object": f"hammer {key}", "confidence": 0.9}]})
    body = json.dumps({"choices": [{"message": {"content": content}}]})
    server.script = [(200, body, {})]
    (found,) = detect(server)
    assert found.label == "hammer"
    server.script = [
        (200, json.dumps({"choices": [{"message": {"content": f"I see {echoed}"}}]}), {})
    ]
    server.answer = f"I see {echoed}"
    with pytest.raises(AnswerError) as caught:
        detect(server, retries=1)
    server.script = [(401, f'{{"error": "no such key: {echoed}"}}', {})]
    with pytest.raises(ServerError, match=r"\*\*\*") as refused:
        detect(server)
    for text in (str(caught.value), *caught.value.answers, str(refused.value)):
        assert key not in text
        assert echoed not in text


def test_a_server_that_says_continue_for_ever_is_given_up_in_time(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with raw_server([b"HTTP/1.1 100 Continue\r\n\r\n"] * 300, pause_s=0.02) as (url, _):
        part = QwenVLDetector(**options(url, server_retries=0, timeout_s=0.3))
        start = time.monotonic()
        with pytest.raises(ServerError, match=r"no reply within 0\.3 s"):
            part.detect(moving_discs(1).source, rng=np.random.default_rng(0))
        assert time.monotonic() - start < 3
