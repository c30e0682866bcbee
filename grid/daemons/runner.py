"""This file is where the daemons get their rhythm; the only one that knows APScheduler.

Every pass runs at a set interval as the safety net. Behind the hot path one thread lets standings
take effect, makes work units and merges for jobs as soon as a commit has touched them. What the
server computes itself has a thread of its own: a long run holds up nothing else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from grid.daemons import (
    assimilator,
    deleter,
    generator,
    measurer,
    quizmaster,
    recorder,
    transitioner,
    trust,
    trusted,
)
from grid.daemons.computing import Machine
from grid.daemons.cosigner import Cosigner
from grid.daemons.integrator import Behind, Integrator
from grid.daemons.isolation import alone
from grid.db import leading
from grid.db.store import Store

log = structlog.get_logger("grid.daemons")

Pass = Callable[[Store, int], int]

PASSES: Mapping[str, Pass] = {
    "transitioner": transitioner.do_pass,
    "trust": trust.do_pass,
    "generator": generator.do_pass,
    "quizmaster": quizmaster.do_pass,
    "assimilator": assimilator.do_pass,
    "deleter": deleter.do_pass,
    "measurer": measurer.do_pass,
    "recorder": recorder.do_pass,
}

#: Shortest time between two looks at touched jobs: reports come faster than folding them one by
#: one is worth.
PROMPT_INTERVAL_S = 0.02
#: Rest after a look, as a multiple of what it took: under load most of the time is for reports.
PROMPT_REST = 8
#: What is decided is public a second later at the latest, whatever a pass takes.
LOG_INTERVAL_S = 0.5
#: How often witnesses are asked: they serve many logs.
WITNESS_INTERVAL_S = 5.0
#: The pass that waits for the machines of others: how long it takes tells nothing of this server.
WAITING = "cosigner"
#: How long the server's own computing rests when nothing waits for it, unless a job moves.
COMPUTE_INTERVAL_S = 1.0
#: And at least, however many jobs move.
COMPUTE_INTERVAL_MIN_S = 0.1
#: Longest rest: what a large job may delay a small one's end, and the server's stop.
PROMPT_INTERVAL_MAX_S = 0.5


class Daemons:
    """All daemons of one server process."""

    def __init__(self, store: Store, me: leading.Holder | None = None) -> None:
        self._store = store
        self._scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1}
        )
        # A pass that outlasts its interval is no news: the next one does its work.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._touched: set[int] = set()
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._promptly, name="grid-merge", daemon=True)
        self._machine = Machine()
        self._moved = threading.Event()
        self._computing = threading.Thread(target=self._compute, name="grid-trusted", daemon=True)
        self._passes: Mapping[str, Pass] = {
            **PASSES,
            "integrator": Integrator(store).do_pass,
            WAITING: Cosigner(store).do_pass,
        }
        self._last_pass: dict[str, float] = {}
        self._me = me or leading.myself()
        #: Until when this process's daemons run, by the monotonic clock.
        self._leads_until = 0.0
        #: Whether it is known that another's do.
        self._resting = False
        #: Why the log does not grow; None while it does.
        self.log_trouble: str | None = None

    def start(self) -> None:
        """Begin; the first passes run at once, if no other process's daemons do."""
        seconds = self._store.settings.daemon_interval_s
        self._scheduler.add_job(
            self._lead, "interval", seconds=leading.RENEW_S, next_run_time=datetime.now(UTC)
        )
        for name in PASSES:
            self._scheduler.add_job(self._pass, "interval", args=[name], seconds=seconds)
        self._scheduler.add_job(
            self._pass, "interval", args=["integrator"], seconds=min(seconds, LOG_INTERVAL_S)
        )
        self._scheduler.add_job(
            self._pass, "interval", args=[WAITING], seconds=max(seconds, WITNESS_INTERVAL_S)
        )
        self._unlisten = self._store.listen(self.nudge)
        self._scheduler.start()
        self._thread.start()
        self._computing.start()

    def stop(self) -> None:
        """Finish the passes that are running, then stop; what the server computes is left."""
        self._unlisten()
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._machine.close()
        self._moved.set()
        self._thread.join()
        self._computing.join()
        self._scheduler.pause()  # or it hands passes to threads that are gone
        self._scheduler.shutdown(wait=True)
        if self.leads:
            with suppress(Exception):  # it ends by itself as well
                self._store.write(lambda tx: leading.let_go(tx, self._me))

    @property
    def leads(self) -> bool:
        """Whether this process's daemons run; those of others rest while they do."""
        return time.monotonic() < self._leads_until

    def nudge(self, jobs: set[int]) -> None:
        """These jobs have moved: look at them now."""
        with self._wake:
            self._touched |= jobs
            self._wake.notify()
        self._moved.set()

    def seconds_since_pass(self) -> float:
        """How long ago the slowest daemon last finished a pass, if they run here; for health
        checks."""
        if not self.leads:
            return 0.0 if self._resting else float("inf")
        own = self._passes.keys() - {WAITING}
        if not own <= self._last_pass.keys():
            return float("inf")
        return time.monotonic() - min(self._last_pass[name] for name in own)

    def _lead(self) -> None:
        began = time.monotonic()
        try:
            has_it = self._store.write(lambda tx: leading.take(tx, self._me))
        except Exception:
            self._resting = False
            log.exception("it could not be settled whose daemons run")
            return
        if has_it and not self.leads:
            self._last_pass = dict.fromkeys(self._passes, began)
        with self._wake:
            self._leads_until = began + leading.LEASE_S if has_it else 0.0
            self._resting = not has_it
            self._wake.notify()

    def _has_news(self) -> bool:
        """Whether jobs have moved, and it is known whose daemons look at them."""
        return bool(self._touched) and (self.leads or self._resting)

    def _pass(self, name: str) -> None:
        if not self.leads:
            return
        try:
            self._passes[name](self._store, self._store.now())
        except Behind as error:
            if self.log_trouble is None:
                log.error("the log does not grow", because=str(error))
            self.log_trouble = str(error)
        except Exception:
            log.exception("a daemon's pass failed", daemon=name)
        else:
            self._last_pass[name] = time.monotonic()

    def _promptly(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._stopping or self._has_news())
                if self._stopping:
                    return
                jobs, self._touched = self._touched, set()
            began = time.monotonic()
            self._pass("trust")
            for job_id in jobs if self.leads else ():
                alone(generator.make, self._store, job_id)
                alone(assimilator.advance, self._store, job_id)
            rest = PROMPT_REST * (time.monotonic() - began)
            time.sleep(min(max(PROMPT_INTERVAL_S, rest), PROMPT_INTERVAL_MAX_S))

    def _compute(self) -> None:
        while not self._stopping:
            self._moved.clear()
            try:
                now = self._store.now()
                done = trusted.do_pass(self._store, now, self._machine) if self.leads else 0
            except Exception:
                log.exception("the server's own computing failed")
                done = 0
            if not done and not self._stopping:
                self._moved.wait(COMPUTE_INTERVAL_S)
                time.sleep(COMPUTE_INTERVAL_MIN_S)
