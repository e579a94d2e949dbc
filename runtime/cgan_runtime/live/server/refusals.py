"""Answers a request that is refused or fails, always as JSON: {"error": "what is wrong"}.

    app = web.Application(middlewares=[refusals])

A handler raises one of aiohttp's `HTTPException`s with a text, `UploadRejected`, or an error of ours. A page that is
raised stays a page.
"""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web
from aiohttp.typedefs import Handler

from cgan_runtime.errors import CganError, ConfigError
from cgan_runtime.live.server.inference_thread import public_message
from cgan_runtime.live.server.uploads import UploadRejected

_REASONS = {404: "there is nothing at this address", 405: "this address does not take such requests"}


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what a handler raises; an unexpected error is logged, and the server goes on."""
    try:
        return await handler(request)
    except UploadRejected as error:
        return _refusal(error.status, str(error))
    except ConfigError as error:
        return _refusal(400, str(error))
    except CganError as error:
        return _refusal(500, public_message(error))
    except web.HTTPException as error:
        if error.status < 400 or error.content_type == "text/html":
            raise
        plain = error.text in (None, f"{error.status}: {error.reason}")  # aiohttp's own words
        reason = _REASONS.get(error.status, error.reason) if plain else error.text
        answer = _refusal(error.status, (reason or "").strip())
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception:
        logging.getLogger("cgan").exception("a request failed")
        return _refusal(500, "an internal error")


def _refusal(status: int, reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=status)
