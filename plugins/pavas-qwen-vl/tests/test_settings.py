"""Settings, prompts and what is registered. Never imports torch."""

import subprocess
import sys

import pytest
from pavas_qwen_vl import DetectorConfig, MassConfig, QwenVL3BDetector, QwenVLDetector, prompts
from pavas_qwen_vl.weights import NAMES

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.registry import default_registry
from pavas_sdk.registry.licences import is_non_commercial


@pytest.mark.parametrize(
    ("config", "options", "words"),
    [
        (DetectorConfig, {"engine": "cloud"}, "'transformers', 'server'"),
        (DetectorConfig, {"dtype": "int8"}, "dtype"),
        (DetectorConfig, {"quantisation": "2bit"}, "'8bit', '4bit'"),
        (DetectorConfig, {"max_frames": 0}, "max_frames"),
        (DetectorConfig, {"max_frames": 2.5}, "max_frames"),
        (DetectorConfig, {"retries": -1}, "retries"),
        (DetectorConfig, {"fps": 0.0}, "fps"),
        (DetectorConfig, {"timeout_s": float("nan")}, "timeout_s"),
        (DetectorConfig, {"retry_wait_s": -1.0}, "retry_wait_s"),
        (DetectorConfig, {"min_pixels": 10**9}, "min_pixels"),
        (DetectorConfig, {"engine": "server"}, "server_url"),
        (DetectorConfig, {"engine": "server", "server_url": "ftp://x"}, "server_url"),
        (DetectorConfig, {"engine": "server", "server_url": "http://me:key@x/v1"}, "password"),
        (DetectorConfig, {"engine": "server", "server_url": "http://"}, "no address"),
        (DetectorConfig, {"engine": "server", "server_url": "http://["}, "no address"),
        (DetectorConfig, {"engine": "server", "server_url": "http://x:99999/v1"}, "no address"),
        (DetectorConfig, {"max_objects": 0}, "max_objects"),
        (DetectorConfig, {"max_objects": 99}, "max_listed"),
        (MassConfig, {"num_samples": 0}, "num_samples"),
        (MassConfig, {"temperature": 0.0}, "temperature"),
        (MassConfig, {"top_p": 1.5}, "top_p"),
        (MassConfig, {"min_mass_kg": 2.0, "max_mass_kg": 1.0}, "min_mass_kg"),
    ],
)
def test_impossible_settings(config, options, words):
    with pytest.raises(ConfigurationError, match=words):
        config(**options)


def test_each_size_is_a_component_with_the_licence_of_its_weights():
    registry = default_registry()
    for kind in ("moving_object_detector", "mass_estimator"):
        licences = {
            size: registry.get(kind, f"pavas-qwen-vl/{name}").licence
            for size, name in NAMES.items()
        }
        assert licences["7B"] == "Apache-2.0"
        assert is_non_commercial(licences["3B"])
        assert "Qwen" in licences["72B"]
    assert QwenVL3BDetector().config.model == "3B"
    with pytest.raises(ConfigurationError, match="pavas-qwen-vl/qwen-vl-3b"):
        QwenVLDetector(model="3B")


def test_prompts_are_versioned():
    assert prompts.versions("moving_objects") == (1,)
    with pytest.raises(ConfigurationError, match="no version 9; it has 1"):
        QwenVLDetector(prompt_version=9)
    text = prompts.render("moving_objects", 1, duration_s="2.0", slow_motion="", user_prompt="{$5}")
    assert "because the camera moves" in text
    assert "{$5}" in text
    with pytest.raises(KeyError):
        prompts.render("moving_objects", 1, duration_s="2.0")


def test_listing_imports_neither_torch_nor_transformers():
    code = (
        "import sys, pavas_qwen_vl.plugin as p\n"
        "specs = p.pavas_register_components()\n"
        "from importlib import import_module\n"
        "for spec in specs:\n"
        "    module, _, name = spec.target.partition(':')\n"
        "    getattr(import_module(module), name)\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
