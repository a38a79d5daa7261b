"""The run under other arithmetics finds a number that hangs on rounding, and lets one pass that does not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import nbformat
import pytest
import torch  # noqa: F401 (the code below uses it)
from nbformat.v4 import new_code_cell, new_notebook, new_output

SPEC = importlib.util.spec_from_file_location("arithmetics", Path(__file__).with_name("run.py"))
arithmetics = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(arithmetics)

PRODUCT = "(torch.full((1, 3), 0.1) @ torch.full((3, 1), 0.1)).item()"


def test_lucky_digits_differ_under_another_rounding_and_rounded_numbers_do_not(tmp_path: Path, capsys) -> None:
    cells = [new_code_cell("import torch", execution_count=1)]
    for number, code in enumerate([f"round({PRODUCT}, 2)", PRODUCT], start=2):
        shown = new_output("execute_result", {"text/plain": repr(eval(code))}, execution_count=number)
        cells.append(new_code_cell(code, execution_count=number, outputs=[shown]))
    nbformat.write(new_notebook(cells=cells), tmp_path / "lucky.ipynb")

    assert arithmetics.main(["lucky", "--notebooks", str(tmp_path), "--arithmetic", "other rounding"]) == 1
    said = capsys.readouterr().out
    assert "DIFFERS other rounding: lucky" in said
    assert "1 failed, 2 passed" in said
    assert "0 of 1 gave what is stored." in said


def test_a_name_of_nothing_is_refused(capsys) -> None:
    with pytest.raises(SystemExit):
        arithmetics.main(["lesson eleven"])
    assert "nothing is named lesson eleven; there are 00_start_here" in capsys.readouterr().err
