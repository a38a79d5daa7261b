"""Check a folder of hand-ins: one line for each student in a table, and one page of sentences to give back to each.

    python -m lecture.collect 01 FOLDER        writes FOLDER/results.csv and FOLDER/feedback/NAME.md
    python -m lecture.collect 01 FOLDER --secret FILE    the same for a class with numbers of its own: lecture/fresh.py

A hand-in is a notebook, named after its student; where it came from does not matter. An answer is found by the name
that the exercise asks for, so lost tags, copied cells and renamed files do no harm: the cells that define the name are
run, in order, with those that they need. Each hand-in runs in a process of its own, with limits on its memory and on
the time of each exercise; what breaks off one exercise leaves the others alone.

**This runs the code of students.** Do it in a container or under an account that can do no harm. Whoever wants to
deceive a checker that runs in the same process can: `Result` lists what is noticed, and a reader is still needed.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import contextlib
import csv
import io
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from lecture.asked import Asked
from lecture.fresh import asked_in_class, read_secret, tried_afresh
from vlmteach.course import Lesson, get_lesson
from vlmteach.course.exercises import Exercise

SECONDS = 30.0
MEMORY_MB = 8192  # of addresses, which torch takes far more of than of memory
Status = Literal["right", "noted", "wrong", "raised", "not attempted", "missing", "stopped", "refused", "unreadable"]


@dataclass(frozen=True)
class Result:
    """What came out of one exercise of one hand-in.

    missing: no cell defines the name. stopped: it took too long, or too much memory. refused: the answer is a function
    of the package, or the code changed the checker. unreadable: the file is no notebook.
    """

    status: Status
    why: str


def code_cells(path: Path) -> list[ast.Module]:
    """The code cells of a hand-in that are Python. Raises ValueError for a file that is no notebook."""
    try:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} is no notebook: {type(error).__name__}") from None
    trees = []
    for source in sources:
        plain = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n"))
        with contextlib.suppress(SyntaxError):
            trees.append(ast.parse(plain))
    return trees


def defined_by(tree: ast.Module) -> set[str]:
    """The names that a cell defines at its top level."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        else:
            stored = (part for part in ast.walk(node) if isinstance(part, ast.Name))
            names |= {part.id for part in stored if isinstance(part.ctx, ast.Store)}
    return names


def needed_for(name: str, trees: list[ast.Module]) -> list[ast.Module]:
    """The cells that define a name, with those that define what they use, in the order of the notebook."""
    wanted, chosen = [name], set()
    while wanted:
        sought = wanted.pop()
        for place, tree in enumerate(trees):
            if place not in chosen and sought in defined_by(tree):
                chosen.add(place)
                wanted += {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)} - vars(builtins).keys()
    return [trees[place] for place in sorted(chosen)]


def checker() -> dict[tuple[str, str], object]:
    """All that the checker is made of: each name of each module and class of the exercises."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("vlmteach.course.exercises")]
    parts: dict[tuple[str, str], object] = {}
    for module in modules:
        owners: list[ModuleType | type] = [module]
        owners += [thing for thing in vars(module).values() if isinstance(thing, type)]
        for owner in owners:
            parts |= {(owner.__name__, name): thing for name, thing in list(vars(owner).items()) if name[:2] != "__"}
            parts[owner.__name__, "__call__"] = vars(owner).get("__call__")
    return parts


def judge(exercise: Exercise, name: str, trees: list[ast.Module]) -> Result:
    """Run the cells of one answer here and check it."""
    before, made = checker(), {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            for tree in trees:
                exec(compile(tree, "<hand-in>", "exec"), made)
        except BaseException as error:
            return Result("raised", " ".join(f"{type(error).__name__}: {error}".split()))
        if changed := [key for key, part in checker().items() if part is not before.get(key)]:
            return Result("refused", f"The code changes the checker ({'.'.join(changed[0])}).")
        answer: Any = made.get(name)
        if str(getattr(answer, "__module__", "")).startswith("vlmteach"):
            return Result("refused", f"{name} is a function of the package; write one of your own.")
        verdict = exercise.check(answer)
        if changed := [key for key, part in checker().items() if part is not before.get(key)]:
            return Result("refused", f"The code changes the checker ({'.'.join(changed[0])}).")
    return Result(verdict.outcome, " ".join([verdict.why, *verdict.told().splitlines()[1:]]))


def hide_answers() -> None:
    """Empty the answers of all exercises in this process, so that no code can run them in place of its own."""
    for module in [module for key, module in list(sys.modules.items()) if key.startswith("vlmteach.course.exercises")]:
        for thing in vars(module).values():
            if isinstance(thing, Exercise):
                object.__setattr__(thing, "answer", "")


Task = tuple[str, Exercise, str, list[ast.Module]]  # number, exercise, the asked name, the cells to run


def _in_a_process(send: Connection, tasks: list[Task]) -> None:
    import resource  # not on Windows

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB * 2**20, MEMORY_MB * 2**20))
    copies = [replace(exercise) for _, exercise, *_ in tasks]  # no name of the package leads to them
    hide_answers()
    for exercise, (*_, name, trees) in zip(copies, tasks, strict=True):
        try:
            result = judge(exercise, name, trees)
        except BaseException as error:
            result = Result("raised", type(error).__name__)
        send.send((result.status, result.why))
    send.close()
    os._exit(0)  # whatever the code has registered to run at the end does not


def asked_of(lesson: Lesson, secret: str = "") -> dict[str, Asked]:
    """What each exercise asked of a class, with all that its answers are tried on."""
    asked = asked_in_class(lesson, secret)
    if not secret:
        return asked
    return {number: replace(each, exercise=tried_afresh(each.exercise, secret)) for number, each in asked.items()}


def check_one(path: Path, asked: dict[str, Asked], seconds: float = SECONDS) -> dict[str, Result]:
    """Every exercise of one hand-in."""
    try:
        trees = code_cells(path)
    except ValueError as error:
        return {number: Result("unreadable", f"{error}.") for number in asked}
    cells = {number: needed_for(each.name, trees) for number, each in asked.items()}
    found = {
        number: Result("missing", f"No cell defines {asked[number].name}.") for number in asked if not cells[number]
    }
    left = [(number, each.exercise, each.name, cells[number]) for number, each in asked.items() if cells[number]]
    while left:
        some = _check_in_a_process(left, seconds)
        found |= some
        left = [task for task in left if task[0] not in some]
    return {number: found[number] for number in asked}


def _forking() -> BaseContext:
    """A fork has torch and the exercises already. Raises ValueError on Windows, which has none."""
    if "fork" not in multiprocessing.get_all_start_methods():
        raise ValueError("hand-ins are checked in forks, which Windows does not have; use Linux, macOS or WSL")
    return multiprocessing.get_context("fork")


def _check_in_a_process(tasks: list[Task], seconds: float) -> dict[str, Result]:
    """The results up to the first after which the process is of no more use; at least one."""
    forking: Any = _forking()
    receive, send = forking.Pipe(duplex=False)
    process = forking.Process(target=_in_a_process, args=(send, tasks))
    process.start()
    send.close()
    found: dict[str, Result] = {}
    try:
        for number, *_ in tasks:
            if not receive.poll(seconds):
                found[number] = Result("stopped", f"It ran for more than {seconds:g} seconds.")
            else:
                found[number] = Result(*receive.recv())
            if found[number].status in ("stopped", "refused"):
                break
    except EOFError:
        found[number] = Result("stopped", "It ended before it gave an answer: too much memory, or an exit.")
    finally:
        process.kill()
        process.join()
        receive.close()
    return found


def check_all(folder: Path, asked: dict[str, Asked], seconds: float = SECONDS) -> dict[str, dict[str, Result]]:
    """Every hand-in of a folder, by the name of its file. As many at a time as there are processor cores."""
    paths = sorted(folder.glob("*.ipynb"))
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(paths)), _forking(), _ask, (asked, seconds)) as pool:
        return {path.stem: found for path, found in zip(paths, pool.map(_check_asked, paths), strict=True)}


_asked: tuple[dict[str, Asked], float]  # what a process of `check_all` was forked with; lambdas cannot be sent to it


def _ask(*asked: Any) -> None:
    global _asked
    _asked = asked


def _check_asked(path: Path) -> dict[str, Result]:
    return check_one(path, *_asked)


def write_results(folder: Path, lesson: Lesson, results: dict[str, dict[str, Result]]) -> None:
    """results.csv, and a page for each student."""
    numbers = list(next(iter(results.values())))
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["hand-in", *numbers, "right"])
        for name, found in results.items():
            table.writerow([name, *(found[number].status for number in numbers), _right(found)])
    (folder / "feedback").mkdir(exist_ok=True)
    for name, found in results.items():
        lines = [f"# {lesson.number:02d} · {lesson.title}: {name}\n", *_sentences(found)]
        (folder / "feedback" / f"{name}.md").write_text("\n".join(lines) + "\n", "utf-8")


def _right(found: dict[str, Result]) -> int:
    return sum(result.status in ("right", "noted") for result in found.values())


def _sentences(found: dict[str, Result]) -> Iterator[str]:
    for number, result in found.items():
        yield f"**{number}** {result.status.capitalize()}. {result.why}\n"


def main(arguments: list[str]) -> int:
    """Check a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lesson", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for one exercise of one hand-in")
    parser.add_argument("--secret", type=Path, help="the file that `make handin` was given")
    given = parser.parse_args(arguments)
    if not list(given.folder.glob("*.ipynb")):
        parser.error(f"{given.folder} holds no notebook; expected hand-ins, each named after its student")
    lesson = get_lesson(given.lesson)
    try:
        results = check_all(given.folder, asked_of(lesson, read_secret(given.secret)), given.seconds)
    except ValueError as refused:
        parser.error(str(refused))
    write_results(given.folder, lesson, results)
    print(f"{len(results)} hand-ins: {given.folder / 'results.csv'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
