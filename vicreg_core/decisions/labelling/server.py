"""The page as a small web application on loopback, behind a random token in its address."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vicreg_core.decisions.labelling.session import LabelSession
from vicreg_core.errors import VicregError

HOST = "127.0.0.1"
_PAGE = Path(__file__).with_name("page.html")


def application(session: LabelSession, token: str) -> Any:
    """A Starlette application: the page and what it asks for, below ``/TOKEN/``.

    Requests whose host is another than loopback are refused, so that no page of the web whose name leads here
    (DNS rebinding) gets an answer.
    """
    from starlette.applications import Starlette
    from starlette.background import BackgroundTask
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse, Response
    from starlette.routing import Route

    def page(_: Request) -> Response:
        return HTMLResponse(_PAGE.read_text(encoding="utf-8"), headers={"Cache-Control": "no-store"})

    def state(_: Request) -> Response:
        return _answered(lambda: None)

    async def act(request: Request) -> Response:
        try:
            asked = await request.json()
            action, sample = str(asked["action"]), str(asked.get("id", ""))
            label = str(asked.get("label", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            return JSONResponse({"error": "expected a JSON object with action, id and label"}, 400)
        actions: dict[str, Callable[[], None]] = {
            "answer": lambda: session.answer(sample, label),
            "skip": lambda: session.skip(sample),
            "undo": session.undo,
        }
        if action not in actions:
            return JSONResponse({"error": f"no action {action!r}"}, 400)
        return _answered(actions[action])

    def _answered(action: Callable[[], None]) -> Response:
        try:
            with session.lock:
                action()
                now = session.state()
            return JSONResponse(now, background=BackgroundTask(session.estimate))
        except KeyError as error:
            return JSONResponse({"error": f"there is no sample {error}"}, 404)
        except VicregError as error:
            return JSONResponse({"error": str(error)}, 409)

    return Starlette(
        routes=[
            Route(f"/{token}/", page),
            Route(f"/{token}/state", state),
            Route(f"/{token}/act", act, methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
    )


def serve(session: LabelSession, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C.

    Args:
        session: what it shows.
        port: 0 for any free one.
        ready: told the address.

    Raises:
        OSError: the port is taken.
    """
    import uvicorn

    token = secrets.token_urlsafe(16)
    with socket.create_server((HOST, port)) as listening:
        ready(f"http://{HOST}:{listening.getsockname()[1]}/{token}/")
        config = uvicorn.Config(
            application(session, token), log_level="error", access_log=False, lifespan="off"
        )
        uvicorn.Server(config).run(sockets=[listening])
