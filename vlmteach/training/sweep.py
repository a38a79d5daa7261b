"""A sweep: many independent runs, each result kept as soon as it is there.

joblib runs them on this machine; Dask runs them on a cluster, when the address of its scheduler is given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

from joblib import Parallel, delayed
from tqdm.auto import tqdm

Case = TypeVar("Case")
Result = TypeVar("Result")


def sweep(
    run: Callable[[Case], Result],
    cases: Mapping[str, Case],
    keep: Callable[[str, Result], object],
    *,
    done: Collection[str] = (),
    workers: int = 1,
    scheduler: str | None = None,
    progress: bool = True,
) -> None:
    """Run every case that is not done yet.

    run(case) gives a result; it must depend on the case alone. keep(name, result) is called in this process as soon as
    a result is there, in any order: store it there, and pass the stored names as `done` to go on after an interruption.
    workers: processes at a time; with more than one, let each run use one_thread. progress: whether to show a bar.
    scheduler: the address of a Dask scheduler, "tcp://host:8786"; its workers then do the runs, one each at a time if
    they were started with one thread. A worker that dies costs only its run, which another one makes again.
    A run that fails does not stop the others. Raises ExceptionGroup at the end, with the error of every failed case;
    ValueError for a number of workers below 1 or a `done` that is no case; ModuleNotFoundError when Dask is missing.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}; expected 1 or more.")
    if unknown := set(done) - cases.keys():
        raise ValueError(f"these are done but are no cases: {', '.join(sorted(unknown))}.")
    todo = {name: case for name, case in cases.items() if name not in done}
    attempts = _here(run, todo, workers) if scheduler is None else _on_dask(run, todo, scheduler)
    failed = []
    with tqdm(total=len(cases), initial=len(done), unit="run", disable=not progress) as bar:
        for name, outcome in attempts:
            if isinstance(outcome, Exception):
                outcome.add_note(f"in the case {name}")
                failed.append(outcome)
            else:
                keep(name, outcome)
            bar.set_postfix_str(name, refresh=False)
            bar.update()
    if failed:
        raise ExceptionGroup(f"{len(failed)} of {len(cases)} runs failed; the others were kept", failed)


Attempt = tuple[str, Result | Exception]


def _here(run: Callable[[Case], Result], todo: Mapping[str, Case], workers: int) -> Iterator[Attempt[Result]]:
    tasks = (delayed(_attempt)(run, name, case) for name, case in todo.items())
    yield from Parallel(n_jobs=workers, return_as="generator_unordered")(tasks)


def _on_dask(run: Callable[[Case], Result], todo: Mapping[str, Case], scheduler: str) -> Iterator[Attempt[Result]]:
    try:
        from distributed import Client, KilledWorker, as_completed  # here: only who has a cluster needs it
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"a scheduler {scheduler} was given, but Dask is not installed. Install it (pip install distributed), or "
            "leave the scheduler out to run on this machine."
        ) from None
    with Client(scheduler) as client:

        def submit(name: str) -> Any:
            return client.submit(_attempt, run, name, todo[name], pure=False)

        names = {submit(name): name for name in todo}
        accused = []
        for future in as_completed(names):
            name, outcome = _collected(future, names[future])
            if isinstance(outcome, KilledWorker):
                accused.append(name)
            else:
                yield name, outcome
        # Dask holds the death of a worker against every case that waited there; alone, a case answers for itself
        for name in accused:
            yield _collected(submit(name), name)


def _collected(future: Any, name: str) -> Attempt[Any]:
    """What came of a case on the cluster, and tell the cluster that it need not keep it, nor ever make it again."""
    try:
        return future.result()
    except Exception as error:  # the cluster's, since those of a run were caught there
        return name, error
    finally:
        future.release()


def _attempt(run: Callable[[Case], Result], name: str, case: Case) -> Attempt[Result]:
    try:
        return name, run(case)
    except Exception as error:  # any: what goes wrong in one run must not take the others with it
        return name, error
