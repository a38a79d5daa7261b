"""The benchmarks' table: RESULTS.md shows exactly what the last whole run measured, and bounds mean what they say.

No benchmark runs here.
"""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

import benchmarks.__main__ as command
from benchmarks import _report, lessons
from benchmarks._report import line, names, page
from benchmarks._rows import OURS, Bound, Row, load, number, timed_rows

RESULTS = json.loads(_report.RESULTS.read_text("utf-8"))
MADE = {name: [Row.from_json(row) for row in rows] for name, rows in RESULTS["benchmarks"].items()}
EVERY = [row for rows in MADE.values() for row in rows]


def test_the_page_shows_the_last_results() -> None:
    assert _report.TABLE.read_text("utf-8") == page(RESULTS), "run `make bench`, which writes both"


def test_no_cell_of_the_page_is_broken() -> None:
    rows = [line for line in page(RESULTS).splitlines() if line.startswith("|")]

    assert {row.count("|") for row in rows} == {5}
    assert not [row for row in rows if "** ," in row or "**," in row]


def test_the_results_tell_what_the_lessons_cost_as_they_were_last_built() -> None:
    assert MADE["lessons"] == lessons.run(), "run `make notebooks`, which brings results.json and RESULTS.md up to date"


def test_one_benchmarks_rows_are_renewed_and_the_others_stay(tmp_path, monkeypatch) -> None:
    for name in ("RESULTS", "TABLE"):
        here = getattr(_report, name)
        (tmp_path / here.name).write_bytes(here.read_bytes())
        monkeypatch.setattr(_report, name, tmp_path / here.name)
    row = Row("lessons, whole run", f"{OURS} lesson 00", 0.123, 4.56, "s")
    _report.renew("lessons", [row])
    kept = json.loads(_report.RESULTS.read_text("utf-8"))
    assert [Row.from_json(one) for one in kept["benchmarks"].pop("lessons")] == [row]
    assert kept["benchmarks"] == {name: rows for name, rows in RESULTS["benchmarks"].items() if name != "lessons"}
    assert (kept["machine"], kept["versions"]) == (RESULTS["machine"], RESULTS["versions"])
    assert "**0.123** lesson 00, 4.56 s" in _report.TABLE.read_text("utf-8")


def test_every_benchmark_is_in_the_results() -> None:
    assert sorted(MADE) == sorted(names())
    assert all(MADE.values())


def test_every_job_has_one_of_our_tools_and_is_shown() -> None:
    text = page(RESULTS)
    for name, rows in MADE.items():
        for job in {row.job for row in rows}:
            few = [row for row in rows if row.job == job]
            assert any(row.tool.startswith(OURS) for row in few), job
            assert f"| {job} |" in text or all(row.detail for row in few), job
        assert not all(row.detail for row in rows), name


def test_every_peer_was_measured_or_says_why_not() -> None:
    for peer in ("torchscan", "timm", "captum", "grad-cam", "bertviz", "openerf"):
        few = [row for row in EVERY if peer in row.tool]
        assert few, peer
        assert all(row.amount is not None or row.note for row in few), peer


def test_no_kept_bound_on_a_ratio_or_on_bytes_is_missed() -> None:
    assert [line(row) for row in EVERY if row.fails] == []


def test_the_results_name_machine_and_versions() -> None:
    assert {"date", "processor", "cores", "threads", "system", "python"} <= set(RESULTS["machine"])
    assert set(RESULTS["versions"]) >= {"torch", "torchvision", "timm", *_report.PEERS}


@pytest.mark.parametrize(
    ("row", "verdict", "fails"),
    [
        (Row("job", "tool", 1.2, 9, bound=Bound(1.3)), "at most 1.30: held", False),
        (Row("job", "tool", 1.4, 9, bound=Bound(1.3)), "at most 1.30: MISSED", True),
        (Row("job", "tool", 6.0, 9, bound=Bound(5, side="at least")), "at least 5.00: held", False),
        (Row("job", "tool", 4.0, 9, bound=Bound(5, side="at least")), "at least 5.00: MISSED", True),
        (Row("job", "tool", 1.0, 17, bound=Bound(16, of="amount")), "at most 16.0 ms: MISSED", False),
        (Row("job", "tool", 1.0, 17, "s", bound=Bound(16, of="amount")), "at most 16.0 s: MISSED", False),
        (Row("job", "tool", 1.0, 999, "bytes", bound=Bound(1000, of="amount")), "at most 1,000 bytes: held", False),
        (Row("job", "tool", 1.0, 2000, "bytes", bound=Bound(1000, of="amount")), "at most 1,000 bytes: MISSED", True),
        (Row("job", "tool", None, None, note="raises", bound=Bound(1.3)), "at most 1.30: MISSED", True),
        (Row("job", "tool", 99.0, 9), "", False),
    ],
)
def test_a_missed_bound_fails_unless_it_is_a_time(row: Row, verdict: str, fails: bool) -> None:
    assert (row.verdict, row.fails) == (verdict, fails)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.01234, "0.0123"),
        (0.5, "0.500"),
        (0.9996, "1.00"),
        (9.996, "10.0"),
        (12.34, "12.3"),
        (99.96, "100"),
        (186_511, "186,511"),
    ],
)
def test_numbers_have_three_digits_and_no_exponent(value: float, text: str) -> None:
    assert number(value) == text


def test_a_tool_that_refuses_is_a_row_with_its_sentence() -> None:
    rows = timed_rows("job", {"vlmteach one": (lambda: None, "a note"), "other": "raises: no"}, 3, "vlmteach one")
    assert [(row.tool, row.ratio, row.note) for row in rows] == [
        ("vlmteach one", 1.0, "a note"),
        ("other", None, "raises: no"),
    ]
    assert line(rows[1]) == "| job | other | - | - |  | raises: no |"


def test_a_tool_that_is_not_installed_says_how_to_get_it() -> None:
    assert "`make bench` installs no-such-tool" in load("no_such_tool", "no-such-tool")


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["sceness"]) == 1
    assert "there is no benchmark sceness; expected some of attention_maps" in capsys.readouterr().out


def test_only_a_whole_run_is_kept_and_a_missed_bound_is_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    missed = Row("job", "vlmteach one", 2.0, 1.0, bound=Bound(1.3))
    saved: list[dict] = []

    class Fake:
        rows: list[Row] = []

        @classmethod
        def run(cls) -> list[Row]:
            return cls.rows

    monkeypatch.setattr(command, "importlib", SimpleNamespace(import_module=lambda name: Fake))
    monkeypatch.setattr(command, "save", saved.append)
    assert command.main(["scenes"]) == 0
    assert saved == []
    assert command.main([]) == 0
    assert [sorted(made) for made in saved] == [sorted(names())]
    Fake.rows = [missed]
    assert command.main(["scenes"]) == 1
