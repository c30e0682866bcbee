"""This file is where the sandboxed frame comes from: the only document near job code.

It has an opaque origin and no network at all; its headers are what makes that so.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from litestar import Response, get

from web import bodies
from web.problems import AnyRequest, not_found
from web.render import ISOLATED
from web.routes import about

#: Holds no `</script`: the build sees to that.
SCRIPT = Path(__file__).parents[1] / "static" / "client" / "frame.js"

#: Every feature a browser may offer to a document, refused.
FEATURES = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "clipboard-read",
    "clipboard-write", "display-capture", "encrypted-media", "fullscreen", "gamepad",
    "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts", "magnetometer",
    "microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-create",
    "publickey-credentials-get", "screen-wake-lock", "serial", "storage-access", "sync-xhr", "usb",
    "window-management", "xr-spatial-tracking",
)  # fmt: skip


def policy(nonce: str) -> str:
    """The Content-Security-Policy of the frame."""
    return (
        f"sandbox allow-scripts; default-src 'none'; script-src 'nonce-{nonce}' blob:; "
        "worker-src blob:; connect-src 'none'; form-action 'none'; base-uri 'none'"
    )


def headers(nonce: str) -> dict[str, str]:
    """All headers of the frame."""
    return {
        "Content-Security-Policy": policy(nonce),
        "Connection-Allowlist": "()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in FEATURES),
        "Cache-Control": "no-store",
    }


def document(script: str, nonce: str) -> str:
    """The frame's page."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Grid sandbox</title>'
        f'<script nonce="{nonce}">{script}</script></html>'
    )


@get("/sandbox/frame.html", sync_to_thread=True, opt=about(answer="text/html"))
def show_frame(request: AnyRequest) -> Response[str]:
    """Gives the frame that computes; its script runs under a nonce of this very answer.

    `?coep=1` lets it stand in a page that is cross-origin isolated.
    """
    try:
        script = SCRIPT.read_text("utf-8")
    except FileNotFoundError as error:
        raise not_found("frame: the client was not built") from error
    isolated = ISOLATED if bodies.convert_query(request, "coep", bool) is True else {}
    nonce = secrets.token_urlsafe(18)
    return Response(
        document(script, nonce), media_type="text/html", headers={**headers(nonce), **isolated}
    )


@get("/sandbox/reached.js", opt=about(answer="text/javascript"))
async def show_reached(request: AnyRequest) -> Response[str]:
    """Answers whoever reaches it, which nobody inside the frame must: volunteers try it."""
    return Response(
        "// reached\n", media_type="text/javascript", headers={"Cache-Control": "no-store"}
    )
