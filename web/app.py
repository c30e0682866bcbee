"""This file is where the app is put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from litestar import Litestar, Router
from litestar.exceptions import HTTPException

from grid.daemons.runner import Daemons
from grid.db.apply import Lost
from grid.db.store import Store
from grid.db.writer import Closed
from grid.settings import Settings
from web import allowing, problems, sql
from web.controllers import (
    account,
    accounts,
    admin,
    audit_pages,
    auditors,
    audits,
    blobs,
    cards,
    credit,
    datasets,
    deeds,
    dropping,
    embedding,
    health,
    hosts,
    job_types,
    jobs,
    log,
    outputs,
    pages,
    put_outputs,
    registering,
    reservations,
    root,
    sandbox,
    sandbox_alarms,
    signing_in,
    statistics,
    submitting,
    tokens,
    trust,
    volunteers,
)
from web.gate import Gate
from web.headers import add_headers
from web.hot_path import HotPath
from web.pace import Pace
from web.problems import Problem, SeeOther
from web.public_view import API
from web.server import Server
from web.sql import Asked

API_HANDLERS = (
    root.show_root,
    root.show_openapi,
    datasets.upload_dataset,
    datasets.list_datasets,
    datasets.show_dataset,
    datasets.preview_dataset,
    datasets.list_chunks,
    job_types.list_job_types,
    job_types.show_job_type,
    job_types.preview_job,
    jobs.submit_job,
    jobs.list_jobs,
    jobs.show_job,
    jobs.pause_job,
    jobs.resume_job,
    jobs.cancel_job,
    jobs.change_priority,
    outputs.show_program,
    outputs.list_workunits,
    outputs.show_workunit,
    outputs.show_output,
    outputs.watch_job,
    outputs.watch_server,
    statistics.show_statistics,
    blobs.show_blob,
    hosts.enrol_host,
    hosts.change_host,
    hosts.exchange_work,
    put_outputs.put_output,
    sandbox_alarms.note_open_sandbox,
    sandbox_alarms.list_open_sandboxes,
    credit.list_leaderboard,
    credit.show_volunteer_credit,
    credit.change_volunteer,
    reservations.list_hosts,
    reservations.reserve_hosts,
    reservations.release_hosts,
    trust.show_own_host,
    trust.list_volunteers,
    trust.ban_volunteer,
    trust.unban_volunteer,
    trust.list_quarantine,
    trust.lift_quarantine,
    trust.list_frozen,
    trust.thaw_job,
    admin.list_plugins,
    admin.set_plugin,
    admin.make_token,
    embedding.show_embed_lines,
    embedding.list_sites,
    embedding.set_site,
    volunteers.make_pairing,
    volunteers.list_own_results,
    volunteers.forget_volunteer,
    volunteers.leave_consent,
    volunteers.show_consent,
    *audits.API_HANDLERS,
    auditors.list_auditors,
    auditors.name_auditors,
    allowing.show_usage,
    tokens.list_tokens,
    tokens.add_token,
    tokens.rotate_token,
    tokens.revoke_token,
    accounts.list_accounts,
    accounts.add_account,
    accounts.show_account,
    accounts.change_account,
    accounts.make_link,
)

PAGE_HANDLERS = (
    *submitting.HANDLERS,
    *dropping.HANDLERS,
    *pages.HANDLERS,
    *audit_pages.HANDLERS,
    *cards.HANDLERS,
    statistics.find_workunit,
    embedding.show_embed_script,
    embedding.show_embed_version,
    embedding.show_volunteer,
    embedding.show_consent,
    credit.show_leaderboard,
    *signing_in.HANDLERS,
    *registering.HANDLERS,
    *account.HANDLERS,
    *deeds.HANDLERS,
)


Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def serving(settings: Settings, store: Store | None, run_daemons: bool) -> Lifespan:
    """What an app has behind it from its start to its end."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        mine = await asyncio.to_thread(Store, settings) if store is None else store
        server = Server(settings, mine, Daemons(mine) if run_daemons else None)
        app.state["server"] = server
        app.state["asked"] = Asked(mine.record)
        try:
            async with server.running():
                yield
        finally:
            if store is None:
                await asyncio.to_thread(mine.close)

    return lifespan


def create_app(
    settings: Settings, store: Store | None = None, *, run_daemons: bool = True
) -> Litestar:
    """The whole HTTP face over `store`, which is opened and closed with the app when not given."""
    app = Litestar(
        route_handlers=[
            Router(API, route_handlers=list(API_HANDLERS)),
            health.show_health,
            health.show_readiness,
            health.show_metrics,
            sandbox.show_frame,
            sandbox.show_reached,
            *log.HANDLERS,
            # One router, for two handlers of one path that come one by one break each other.
            Router("/", route_handlers=list(PAGE_HANDLERS)),
            sql.ask,
            pages.static_files(),
        ],
        lifespan=[serving(settings, store, run_daemons)],
        before_send=[add_headers],
        exception_handlers={
            Problem: problems.on_problem,
            SeeOther: problems.on_see_other,
            HTTPException: problems.on_http_exception,
            Closed: problems.on_undone,
            Lost: problems.on_undone,
            Exception: problems.on_exception,
        },
        request_max_body_size=settings.body_bytes_max,
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = Gate(Pace(HotPath(app.asgi_handler, settings.body_bytes_max)))
    return app
