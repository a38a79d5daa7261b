"""A classroom server: memory as measured, and settings that fit it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from traitlets.config import Config

from lecture.instructor import RESULTS, plan_page
from lecture.plan import CLASS, memory_table, peaks
from vlmteach.course import LESSONS

SETTINGS = Path(__file__).parents[2] / "lecture" / "hub" / "jupyterhub_config.py"
ROWS = json.loads(RESULTS.read_text("utf-8"))["benchmarks"]["lessons"]


@pytest.fixture
def settings() -> Config:
    c = Config()
    exec(compile(SETTINGS.read_text("utf-8"), str(SETTINGS), "exec"), {"get_config": lambda: c})
    return c


def test_the_plan_states_the_memory_that_was_measured_for_every_lesson() -> None:
    table = memory_table(peaks(ROWS))
    assert table in plan_page()
    measured = [(row["tool"][-2:], row["amount"]) for row in ROWS if row["job"] == "lessons, peak memory"]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert [(name[:2], float(one.replace(",", ""))) for name, one, _ in rows] == measured
    assert [int(many) for _, _, many in rows] == [round(CLASS * amount / 1000) for _, amount in measured]
    assert len(rows) == len(LESSONS)


def test_a_lesson_that_was_not_measured_is_named() -> None:
    with pytest.raises(ValueError, match=r"no peak memory of lesson 03; run `make notebooks`"):
        peaks(row for row in ROWS if not row["tool"].endswith("03"))


def test_a_students_server_may_take_what_the_largest_lesson_takes(settings: Config) -> None:
    assert settings.Spawner.mem_limit.endswith("G")
    assert 1000 * int(settings.Spawner.mem_limit[:-1]) > 1.25 * max(peaks(ROWS).values())


def test_all_read_one_folder_of_weights_and_nobody_asks_the_network(settings: Config) -> None:
    environment = settings.Spawner.environment
    shared = Path(settings.Spawner.cmd[0]).parents[2]
    assert all(shared in Path(environment[name]).parents for name in ("HF_HOME", "TORCH_HOME"))
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert environment["OMP_NUM_THREADS"] == "1"
