import dataclasses

import numpy as np
import pytest
from support.patchview import synthetic_patchview, synthetic_words

from vlmteach.probes.patchview import NUMBERS, Measurement
from vlmteach.views.patchview import pack
from vlmteach.views.patchview_words import HUES, READOUTS, facts_of, notes_of, stops_of, title_of


def test_every_panel_has_a_title_and_a_hue():
    panels = [*synthetic_patchview().panels, *synthetic_words().panels]
    assert [title_of(panel) for panel in panels] == [
        "Receptive box",
        "Effective field",
        "Attention",
        "Attention of words",
    ]
    assert title_of(dataclasses.replace(panels[1], kind="vit")) == "Effective field of the ViT"
    assert title_of(dataclasses.replace(panels[0], kind="vit")) == "Box, vit"  # what no measurement makes yet
    assert {panel.kind for panel in panels} == set(HUES)


def test_every_number_that_is_measured_has_a_line():
    assert tuple(readout.key for readout in READOUTS) == ("size", *NUMBERS)  # the size is a fact of a whole layer


def test_each_stop_says_which_layers_were_matched():
    assert stops_of(synthetic_patchview()) == [
        "Depth 33 %: stem (1 of 3) beside block 0 (1 of 3); layers are matched by relative depth.",
        "Depth 67 %: blocks.0 (2 of 3) beside block 1 (2 of 3); layers are matched by relative depth.",
        "Depth 100 %: blocks.1 (3 of 3) beside block 2 (3 of 3); layers are matched by relative depth.",
    ]
    assert stops_of(synthetic_words()) == ["Layer cross-attention (1 of 1)."]


def test_a_field_is_told_in_pixels_or_as_the_whole_picture():
    box, _, attention = (panel.layers[0] for panel in synthetic_patchview().panels)
    assert facts_of(box) == {"size": "15 × 15 px"}
    assert facts_of(attention) == {"size": "whole picture"}
    assert facts_of(synthetic_words().panels[0].layers[0]) == {}


@pytest.mark.parametrize(
    ("how", "note"),
    [
        (Measurement(original=(4000, 1000)), "came with 4000 × 1000 pixels and was reduced to 64 × 64 before"),
        (Measurement(anchors=(8, 8), noise=1), "over one picture of seeded noise, measured for every cell."),
        (Measurement(anchors=(2, 2), noise=4), "over 4 pictures of seeded noise, measured for 2 × 2 units, the dots."),
        (Measurement(not_local=("pool", "global pooling")), "From pool on the CNN is not local: global pooling."),
        (Measurement(prefix_tokens_left_out=True), "without a place (CLS, registers) is left out"),
    ],
)
def test_how_it_was_measured_is_told_and_only_what_was_done(how, note):
    data = synthetic_patchview()
    told = " ".join(notes_of(dataclasses.replace(data, how=how)))
    assert note in told
    assert note not in " ".join(notes_of(dataclasses.replace(data, how=Measurement())))


def test_hidden_squares_rollout_and_coarser_maps_are_told_from_the_data():
    data = synthetic_patchview()
    assert any("Hidden: each of 8 × 8 squares" in note for note in notes_of(data))
    assert any(note.startswith("Rollout") for note in notes_of(data))
    assert not any(note.startswith("Rollout") for note in notes_of(synthetic_patchview(panels=(0,))))
    assert not any(note.startswith("Fine maps") for note in notes_of(data))
    large = dataclasses.replace(data, picture=np.zeros((512, 64, 3), np.uint8))
    assert any(note.startswith("Fine maps") for note in notes_of(large))
    bare = [
        dataclasses.replace(
            panel, layers=tuple(dataclasses.replace(one, weights=(), change=None) for one in panel.layers)
        )
        for panel in data.panels
    ]
    assert any(
        "No square was hidden" in n for n in notes_of(dataclasses.replace(data, panels=tuple(bare), squares=(0, 0)))
    )


def test_the_notes_of_words_speak_of_words():
    first, change = notes_of(synthetic_words())
    assert "what goes to words is left out" in first
    assert "the word's answer" in change


def test_the_page_carries_all_of_these_words():
    data = synthetic_patchview()
    page = pack(data)
    assert (page["stops"], page["notes"]) == (stops_of(data), notes_of(data))
    assert [panel["title"] for panel in page["panels"]] == [title_of(panel) for panel in data.panels]
