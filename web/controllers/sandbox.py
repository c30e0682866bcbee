"""This file is where the sandboxed frame comes from: the only document near job code.

It has an opaque origin and no network at all; its headers are what makes that so.
"""

from __future__ import annotations

import base64
import hashlib
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


def policy(script: str, isolated: bool = False) -> str:
    """The Content-Security-Policy of the frame: this very script and blobs may run.

    By its digest, for under a nonce the script's own `import(…)` may fetch from anywhere. In an
    isolated frame WebKit loads no blob, so there a Worker's text may stand in its address.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"sandbox allow-scripts; default-src 'none'; script-src 'sha256-{digest}' blob:; "
        f"worker-src blob:{' data:' if isolated else ''}; connect-src 'none'; form-action 'none'; "
        "base-uri 'none'"
    )


def headers(script: str, isolated: bool = False) -> dict[str, str]:
    """All headers of the frame around this script."""
    return {
        **(ISOLATED if isolated else {}),
        "Content-Security-Policy": policy(script, isolated),
        "Connection-Allowlist": "()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in FEATURES),
        "Cache-Control": "no-store",
    }


def document(script: str) -> str:
    """The frame's page."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Grid sandbox</title>'
        f"<script>{script}</script><main><h1>Grid sandbox</h1>"
        "<p>Programs compute in here, out of sight and without a network.</p></main></html>"
    )


@get("/sandbox/frame.html", sync_to_thread=True, opt=about(answer="text/html"))
def show_frame(request: AnyRequest) -> Response[str]:
    """Gives the frame that computes; no other script than its own runs in it.

    `?coep=1` lets it stand in a page that is cross-origin isolated.
    """
    try:
        script = SCRIPT.read_text("utf-8")
    except FileNotFoundError as error:
        raise not_found("frame: the client was not built") from error
    isolated = bodies.convert_query(request, "coep", bool) is True
    return Response(document(script), media_type="text/html", headers=headers(script, isolated))


@get("/sandbox/reached.js", opt=about(answer="text/javascript"))
async def show_reached(request: AnyRequest) -> Response[str]:
    """Answers whoever reaches it, which nobody inside the frame must: volunteers try it."""
    return Response(
        "// reached\n", media_type="text/javascript", headers={"Cache-Control": "no-store"}
    )
