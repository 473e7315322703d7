"""One JSON request over HTTP, with a deadline, from the standard library."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is a reply like others: followed, it would carry the key to another server."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow nothing."""


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
    deadline = time.monotonic() + timeout_s
    request = urllib.request.Request(  # the config takes http and https only
        url,
        data=json.dumps(data).encode(),
        headers={"Content-Type": "application/json", **headers},
        method="POST",
    )
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=timeout_s) as response:
            return Reply(status=response.status, body=_text(response, deadline))
    except urllib.error.HTTPError as err:
        wait = err.headers.get("Retry-After", "") if err.headers else ""
        with err:
            body = _text(err, deadline)
        return Reply(
            status=err.code,
            body=body,
            retry_after_s=float(wait) if wait.isdecimal() else None,
        )
    except TimeoutError:
        return Reply(status=None, body=f"no reply within {timeout_s:g} s")
    except urllib.error.URLError as err:
        late = isinstance(err.reason, TimeoutError)
        return Reply(
            status=None, body=f"no reply within {timeout_s:g} s" if late else str(err.reason)
        )
    except (OSError, ValueError) as err:  # a connection that breaks off, a reply that is no HTTP
        return Reply(status=None, body=f"{type(err).__name__}: {err}")


def _text(response: Any, deadline: float) -> str:
    """The whole reply. A server that sends drop by drop keeps within each wait, not the deadline."""
    parts: list[bytes] = []
    size = 0
    while size < _MOST_BYTES:
        part = response.read1(2**16)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if time.monotonic() > deadline:
            raise TimeoutError
    return b"".join(parts).decode("utf-8", errors="replace")
