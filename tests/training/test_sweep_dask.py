"""The same sweeps on a real cluster of two processes, which die when a run kills them."""

import logging
import multiprocessing
import sys

import dask
import pytest
from distributed import KilledWorker, LocalCluster
from distributed.utils import get_mp_context
from support.sweep_runs import Case, begun, note_kept, square

from vlmteach.training import sweep

# New processes come from a server that has imported everything once, where there is such a thing (not on Windows); a
# scheduler gives up on a case after two deaths.
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
QUICK = {"distributed.worker.multiprocessing-method": METHOD, "distributed.scheduler.allowed-failures": 1}


@pytest.fixture(scope="module")
def scheduler():
    with dask.config.set(QUICK):
        get_mp_context()
        if METHOD == "forkserver":
            multiprocessing.set_forkserver_preload(["distributed", "pytest", "vlmteach.training"])
        with LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=logging.CRITICAL
        ) as cluster:
            yield cluster.scheduler_address


def run(cases, **options):
    kept = {}

    def keep(name, result):
        kept[name] = result
        note_kept(cases[name])

    try:
        sweep(square, cases, keep, progress=False, **options)
    except ExceptionGroup as failed:
        return kept, failed
    return kept, None


def test_a_cluster_gives_the_results_of_this_machine(scheduler, tmp_path):
    cases = {f"case {number}": Case(number, tmp_path) for number in (1, 2, 13, 3, 4)}
    kept, failed = run(cases, scheduler=scheduler, done=["case 4"])
    expected, failed_here = run(cases, done=["case 4"])

    assert kept == expected == {"case 1": 1, "case 2": 4, "case 3": 9}
    assert str(failed) == str(failed_here)
    assert [repr(each) for each in failed.exceptions] == ["RuntimeError('thirteen brings bad luck')"]
    assert failed.exceptions[0].__notes__ == ["in the case case 13"]
    assert begun(cases["case 4"]) == 0


def test_a_worker_that_dies_costs_only_its_run(scheduler, tmp_path):
    cases = {str(number): Case(number, tmp_path) for number in (1, 2, 3)}
    cases["4"] = Case(4, tmp_path, kills=1, after=("kept-1", "kept-2", "kept-3"))
    kept, failed = run(cases, scheduler=scheduler)

    assert failed is None
    assert kept == {"1": 1, "2": 4, "3": 9, "4": 16}
    assert {name: begun(case) for name, case in cases.items()} == {"1": 1, "2": 1, "3": 1, "4": 2}


def test_a_run_that_always_kills_its_worker_fails_alone(scheduler, tmp_path):
    cases = {str(number): Case(number, tmp_path) for number in range(6)}
    cases["0"] = Case(0, tmp_path, kills=99)
    # it holds the second worker, so that what waits behind the killer on the first one sees both deaths
    cases["1"] = Case(1, tmp_path, after=("begun-0-1",))
    kept, failed = run(cases, scheduler=scheduler)

    assert kept == {"1": 1, "2": 4, "3": 9, "4": 16, "5": 25}
    (error,) = failed.exceptions
    assert isinstance(error, KilledWorker)
    assert error.__notes__ == ["in the case 0"]


def test_without_dask_a_scheduler_is_refused_with_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(
        ModuleNotFoundError, match=r"a scheduler tcp://host:1 was given, but Dask is not installed\. Ins"
    ):
        run({"1": Case(1, tmp_path)}, scheduler="tcp://host:1")
    assert run({"1": Case(1, tmp_path)}) == ({"1": 1}, None)
