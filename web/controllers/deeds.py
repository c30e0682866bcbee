"""This file is where forms of pages do what is done by hand."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Response, post

from web import forms, render
from web.addresses import server_origin
from web.deeds import DEEDS, Doing, did
from web.problems import AnyRequest, not_found, sent_on


@post("/deeds/{name:str}", status_code=200)
async def do_deed(request: AnyRequest) -> Response[Any]:
    """Does by hand what its form has said it would do, and keeps who did it."""
    deed = DEEDS.get(request.path_params["name"])
    if deed is None:
        raise not_found("deed")
    server, caller, form = await forms.read(request, deed.form)
    doing = Doing(server=server, caller=caller, origin=server_origin(request, server.settings))
    effect = await asyncio.to_thread(did, deed, doing, form)
    said = await server.store.awrite(effect)
    if deed.after is not None:
        deed.after(server)
    onward = forms.local(form.next)
    if said is None:
        return sent_on(onward)
    facts = {"deed": deed, "on": form.on, "said": said, "onward": onward}
    return render.page("done.html", facts, headers=forms.NO_STORE)


HANDLERS = (do_deed,)
