"""This file is where it is tested what a unit of cost takes: by the server's own word alone."""

from __future__ import annotations

from contextlib import closing

import pytest
from trust_home import Home

from grid.daemons import measurer, trusted
from grid.daemons.computing import Machine
from grid.db import credits
from grid.db.trusting import Computed
from grid.validator import credit


@pytest.fixture
def home(tmp_path):
    one = Home(tmp_path / "grid", compute_time_limit_s=5, reference_time_limit_s=5)
    yield one
    one.close()


def costs(home):
    measurer.do_pass(home.store, 0)
    with home.store.read() as connection:
        return credits.costs(connection)


def test_the_program_is_measured_and_neither_the_engines_start_nor_the_reference(home):
    home.open()
    job = home.real_job("tally", {}, [1], [2], [3])
    for ordinal in range(3):
        home.wants_run(job, ordinal)
    with closing(Machine()) as machine:
        assert trusted.do_pass(home.store, home.time, machine) == 3
    first, *later = home.runs(job)
    assert first.program_ms is None, "the engine had to be started for it"
    assert all(0 <= run.program_ms <= run.elapsed_ms for run in later)


def test_what_the_server_measures_makes_later_work_units_dearer_and_not_earlier_ones(home):
    home.open()

    def compute(store, work):
        output = '{"rows":1}'
        return Computed(result_id=work.result_id, output=output, elapsed_ms=900, program_ms=432)

    job = home.real_job("tally", {}, [1])
    home.wants_run(job)
    before = home.units(job)[0].credit
    assert trusted.do_pass(home.store, home.time, compute) == 1
    assert costs(home) == {job.job_type_digest: 432 * 10**9}
    assert home.units(job)[0].credit == before
    later = home.real_job("tally", {}, [1])
    assert home.units(later)[0].credit == 1000  # 432 ms are a thousandth of a credit


def test_a_checked_answer_is_no_measure_of_what_computing_it_takes(home):
    home.open()

    def check(store, work):
        return Computed(result_id=work.result_id, output='{"rows":1}', elapsed_ms=1)

    job = home.real_job("tally", {}, [1])
    home.wants_run(job)
    trusted.do_pass(home.store, home.time, check)
    assert costs(home) == {}
    later = home.real_job("tally", {}, [1])
    assert home.units(later)[0].credit == credit.worth(1, None)
