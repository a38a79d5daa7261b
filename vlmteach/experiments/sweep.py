"""A sweep: many independent runs, each result kept as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

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
    progress: bool = True,
) -> None:
    """Run every case that is not done yet.

    run(case) gives a result; it must depend on the case alone. keep(name, result) is called in this process as soon as
    a result is there, in any order: store it there, and pass the stored names as `done` to go on after an interruption.
    workers: processes at a time; with more than one, let each run use one_thread. progress: whether to show a bar.
    A run that fails does not stop the others. Raises ExceptionGroup at the end, with the error of every failed case;
    ValueError for a number of workers below 1 or a `done` that is no case.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}; expected 1 or more.")
    if unknown := set(done) - cases.keys():
        raise ValueError(f"these are done but are no cases: {', '.join(sorted(unknown))}.")
    todo = [delayed(_attempt)(run, name, case) for name, case in cases.items() if name not in done]
    failed = []
    with tqdm(total=len(cases), initial=len(done), unit="run", disable=not progress) as bar:
        for name, outcome in Parallel(n_jobs=workers, return_as="generator_unordered")(todo):
            if isinstance(outcome, Exception):
                outcome.add_note(f"in the case {name}")
                failed.append(outcome)
            else:
                keep(name, outcome)
            bar.set_postfix_str(name, refresh=False)
            bar.update()
    if failed:
        raise ExceptionGroup(f"{len(failed)} of {len(cases)} runs failed; the others were kept", failed)


def _attempt(run: Callable[[Case], Result], name: str, case: Case) -> tuple[str, Result | Exception]:
    try:
        return name, run(case)
    except Exception as error:  # any: what goes wrong in one run must not take the others with it
        return name, error
