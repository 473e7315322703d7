"""``pavas ui``: the page to see, edit, hear and compare."""

from __future__ import annotations

import click

from pavas_sdk.cli.output import say, show

__all__ = ["ui"]


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to bind to; 0.0.0.0 lets every machine of the network in.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Default: the first free one from 7860 on."
)
@click.option("--device", default="cpu", show_default=True, help="torch device.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def ui(host: str, port: int | None, device: str, no_browser: bool) -> int:
    """Open a page in the browser: drop a video, edit its physics, hear and compare.

    The page runs on this machine, is seen by this machine alone, and asks for nothing from the
    network. Needs pavas-sdk[ui].
    """
    from pavas_sdk.ui.server import start

    page = start(host=host, port=port, device=device, browser=not no_browser)
    show(page.url)
    say("Stop with Ctrl+C.")
    try:
        page.wait()
    finally:
        page.close()
    return 0
