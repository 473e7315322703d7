"""One JSON request over HTTP, whole within its time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
from anyio.from_thread import start_blocking_portal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Reply", "post_json"]

_MOST_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server replied.

    Attributes:
        status: HTTP status, or None when there was no reply.
        body: Its text, or why there was no reply.
        retry_after_s: When the server wants to be asked again, or None.
    """

    status: int | None
    body: str
    retry_after_s: float | None = None


def post_json(
    url: str, data: Mapping[str, Any], *, headers: Mapping[str, str], timeout_s: float
) -> Reply:
    """Send ``data`` and return the reply; a server that fails or is silent is a reply too.

    Args:
        url: http or https.
        data: JSON values.
        headers: Added to the request; nothing of them is logged.
        timeout_s: Seconds until the reply must be complete.
    """
    content = json.dumps(data).encode()
    headers = {"Content-Type": "application/json", **headers}
    try:
        # An event loop of its own, in a thread: a deadline for the whole call, however slowly the
        # server drips, and no clash with the loop of a notebook.
        with start_blocking_portal() as portal:
            return portal.call(_post, url, content, headers, timeout_s)
    except TimeoutError:
        return Reply(status=None, body=f"no reply within {timeout_s:g} s")
    # a broken connection, a reply that is no HTTP, an address that is none, no certificates
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as err:
        return Reply(status=None, body=f"{type(err).__name__}: {err}")


async def _post(url: str, content: bytes, headers: Mapping[str, str], timeout_s: float) -> Reply:
    # A redirect is a reply like others: followed, it would carry the key to another server.
    with anyio.fail_after(timeout_s):
        async with (
            httpx2.AsyncClient(timeout=None, follow_redirects=False) as client,
            client.stream("POST", url, content=content, headers=headers) as response,
        ):
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) >= _MOST_BYTES:
                    break
            wait = response.headers.get("Retry-After", "")
            return Reply(
                status=response.status_code,
                body=body.decode("utf-8", errors="replace"),
                retry_after_s=float(wait) if wait.isdecimal() else None,
            )
