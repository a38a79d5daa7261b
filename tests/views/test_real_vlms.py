import pytest

from vlmteach.views import alt_text, draw_part_shares, draw_token_budgets


@pytest.mark.mpl_image_compare
def test_parts_of_two_systems():
    systems = {
        "One 7B": {"encoder": 300_000_000, "connector": 100_000_000, "language model": 6_600_000_000},
        "Other 1B": {"encoder": 0, "connector": 10_000_000, "language model": 990_000_000},
    }
    figure = draw_part_shares(systems)
    assert "Other 1B: encoder 0.0%, connector 1.0%, language model 99.0%, 1.0 billion in all" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_budgets_of_two_systems():
    figure = draw_token_budgets(["336 × 336", "896 × 896"], {"One": [576, 576], "Other": [144, 1024]})
    assert alt_text(figure).endswith("One: 576, 576; Other: 144, 1,024. At the largest size from 576 to 1,024.")
    return figure
