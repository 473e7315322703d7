"""The page of ``pavas ui`` (extra ``pavas-sdk[ui]``): see, edit, hear and compare in a browser.

`edits`, `bench` and `models` know nothing of Gradio; `page` and `server` do.
"""

from __future__ import annotations

from pavas_sdk.ui.server import serve

__all__ = ["serve"]
