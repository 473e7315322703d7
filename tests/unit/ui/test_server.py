"""Without Gradio the page says what to install."""

from __future__ import annotations

import sys

import pytest

from pavas_sdk.cli.main import run
from pavas_sdk.errors import MissingPluginError
from pavas_sdk.ui.server import POLICY, start


@pytest.fixture
def no_gradio(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)  # an import of it fails
    for name in ("GRADIO_ANALYTICS_ENABLED", "GRADIO_TEMP_DIR", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "False")


@pytest.mark.usefixtures("no_gradio")
def test_what_to_install_is_said(capsys):
    with pytest.raises(MissingPluginError, match=r'pip install "pavas-sdk\[ui\]"'):
        start()
    assert run(["ui", "--no-browser"]) == 2
    assert "pavas-sdk[ui]" in capsys.readouterr().err


def test_the_policy_names_no_other_address():
    for part in POLICY.split(";"):
        assert set(part.split()[1:]) <= {
            "'self'", "data:", "blob:", "'unsafe-inline'", "'unsafe-eval'"
        }  # fmt: skip
