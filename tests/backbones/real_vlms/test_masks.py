import pytest
import torch

pytest.importorskip("transformers")

from support.real_vlms import opened

from vlmteach.backbones.real_vlms import REAL_VLMS, open_vlm

KINDS = {
    "paligemma_3b_896": "visual tokens and question see each other",
    "gemma_3_4b": "visual tokens see each other",
    "llama_3_2_11b_vision": "cross-attention",
}


@pytest.mark.parametrize("name", REAL_VLMS)
def test_the_kind_of_mask_is_that_of_the_systems_own_layers(name):
    mask = opened(name, "tiny").mask()
    assert mask.kind == KINDS.get(name, "causal")
    assert mask.pairs[-1].all()  # the last word may look at everything
    words = mask.pairs.shape[1] - mask.visual
    if mask.kind in ("causal", "visual tokens see each other"):
        expected = torch.ones(words, words, dtype=torch.bool).tril()
        assert torch.equal(mask.pairs[-words:, -words:], expected)


@pytest.mark.parametrize("name", ["pixtral_12b", "qwen2_5_vl_3b", "fuyu_8b", "gemma_3_4b"])
def test_a_word_that_may_not_be_seen_changes_nothing(name):
    """The oracle: change the last word, and no earlier position of the language model may move."""
    vlm = open_vlm(name, "tiny")
    states = []
    vlm.language_model.register_forward_hook(lambda *given: states.append(given[2].last_hidden_state))
    picture = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    for last in (7, 8):
        vlm.reader(torch.tensor([5, 6, last]))(picture)
    moved = (states[0] - states[1])[0].abs().amax(dim=-1) > 1e-6
    assert moved.tolist() == [False] * (len(moved) - 1) + [True]
