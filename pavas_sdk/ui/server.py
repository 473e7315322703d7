"""Serving the page: to this machine alone, with a policy that forbids every other address."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ConfigurationError, MissingPluginError
from pavas_sdk.ui.models import ModelHolder

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PageAtWork", "serve", "start"]

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src 'self' blob:; "
    "connect-src 'self'; frame-src 'self'"
)
"""What a browser may load. Gradio's own page would ask for fonts and scripts elsewhere."""


class _Policy:
    """Adds the policy to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                header = (b"content-security-policy", POLICY.encode())
                message["headers"] = [*message.get("headers", []), header]
            await send(message)

        await self._app(scope, receive, with_policy if scope["type"] == "http" else send)


class PageAtWork:
    """A page that is served; close it to stop and to remove what visitors left.

    Attributes:
        url: Its address.
    """

    def __init__(self, page: gr.Blocks, url: str, folder: tempfile.TemporaryDirectory[str]) -> None:
        self.url = url
        self._page = page
        self._folder = folder

    def wait(self) -> None:
        """Serve until the process is interrupted."""
        with suppress(KeyboardInterrupt):
            Event().wait()  # Gradio's own way to wait prints to stdout

    def close(self) -> None:
        """Stop."""
        self._page.close(verbose=False)
        self._folder.cleanup()


def start(
    *, host: str = "127.0.0.1", port: int | None = None, device: str = "cpu", browser: bool = False
) -> PageAtWork:
    """Serve the page and return.

    Args:
        host: Address to bind to.
        port: Port; by default the first that is free from 7860 on.
        device: torch device.
        browser: Open it in a browser.

    Raises:
        MissingPluginError: Gradio is not installed.
        ConfigurationError: The port is taken.
    """
    folder = tempfile.TemporaryDirectory(prefix="pavas-ui-")
    # before Gradio is imported: it reads these once
    os.environ["GRADIO_TEMP_DIR"] = str(Path(folder.name) / "uploads")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import gradio as gr
        from starlette.middleware import Middleware
    except ImportError as err:
        folder.cleanup()
        raise MissingPluginError(
            'the page needs Gradio, which is not installed: pip install "pavas-sdk[ui]"'
        ) from err
    from pavas_sdk.ui.page import CSS, build_page

    root = Path(folder.name) / "benches"
    root.mkdir()
    page = build_page(ModelHolder(device), root)
    page.queue(max_size=32, default_concurrency_limit=1)
    system = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
    options: dict[str, Any] = {
        "theme": gr.themes.Default(font=system, font_mono=("ui-monospace", "monospace")),
        "css": CSS,
        "allowed_paths": [str(root)],
        "app_kwargs": {"middleware": [Middleware(_Policy)]},
        "footer_links": [],
    }
    try:
        _, url, _ = page.launch(
            server_name=host,
            server_port=port,
            inbrowser=browser,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            ssr_mode=False,
            show_error=True,
            enable_monitoring=False,
            **options,
        )
    except OSError as err:
        folder.cleanup()
        raise ConfigurationError(f"{host}:{port or 7860} cannot be used: {err}") from err
    return PageAtWork(page, url, folder)


def serve(
    *, host: str = "127.0.0.1", port: int | None = None, device: str = "cpu", browser: bool = False
) -> None:
    """Serve the page until interrupted; see `start` for arguments and errors."""
    page = start(host=host, port=port, device=device, browser=browser)
    try:
        page.wait()
    finally:
        page.close()
