"""Each planted fault fits the code of today: `make mutate` takes long and stops at the first that does not."""

import pytest
from mutations.run import FAULTS, ROOT


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["why"])
def test_a_planted_fault_stands_once_in_its_file_and_names_a_test_that_is_there(fault):
    test, _, function = fault["test"].partition("::")

    assert (ROOT / fault["file"]).read_text("utf-8").count(fault["old"]) == 1
    assert (ROOT / test).exists() or test == "lint-imports"
    assert f"def {function.partition('[')[0]}(" in (ROOT / test).read_text("utf-8") if function else True
