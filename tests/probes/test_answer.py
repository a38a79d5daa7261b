import pytest
import torch
from torch import nn

from vlmteach.nn import (
    AddPositions,
    Connect,
    ConvNet,
    CrossAttentionConnector,
    LanguageModel,
    MeanPool,
    Prefix,
    VisionLanguageModel,
    WordTokenizer,
)
from vlmteach.probes import attention_maps, probe_answer

CELLS = (3, 3)
GREY = 0.4


def tiny(connector: nn.Module) -> VisionLanguageModel:
    torch.manual_seed(0)
    language_model = LanguageModel(
        WordTokenizer(["<pad>", "what", "is", "red", "?", "yes"]), 16, depth=1, num_heads=2, context=5
    )
    return VisionLanguageModel(ConvNet(16, [1], stem="patch", stride=4), connector, language_model).eval()


def asking() -> VisionLanguageModel:
    return tiny(Connect(AddPositions(), CrossAttentionConnector(16, 16, num_heads=2)))


@pytest.fixture
def image():
    return torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(1))


def test_the_answer_is_the_models_own(image):
    model = asking()
    probed = probe_answer(model, image, "what is red?", CELLS, GREY)
    assert probed.words == ("what", "is", "red", "?")
    assert probed.probabilities == model.answer(image, "what is red ?")
    assert probed.answer == max(probed.probabilities, key=probed.probabilities.__getitem__)


def test_attention_is_the_mean_over_the_connectors_heads(image):
    model = asking()
    words = model.language_model.tokenizer.encode("is red ?")
    expected = attention_maps(model, image[None], words[None, None])["connector.meeting.attend"]
    probed = probe_answer(model, image, "is red ?", CELLS, GREY)
    assert probed.attention.shape == (3, 3, 3)
    assert torch.allclose(probed.attention.flatten(1), expected[0].mean(dim=0))


def test_the_drop_is_what_the_first_answer_loses_when_a_cell_is_painted_over(image):
    model = asking()
    probed = probe_answer(model, image, "is red ?", CELLS, GREY)
    for row, column in [(0, 0), (1, 2), (2, 1)]:
        covered = image.clone()
        covered[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = GREY
        left = model.answer(covered, "is red ?")[probed.answer]
        assert probed.drop[row, column].item() == pytest.approx(probed.probabilities[probed.answer] - left, abs=1e-5)
    assert probed.drop.abs().max() > 1e-6


def test_a_picture_that_comes_as_one_vector_has_no_map_of_words(image):
    probed = probe_answer(tiny(Connect(MeanPool(), Prefix())), image, "is red ?", CELLS, GREY)
    assert probed.attention is None
    assert probed.drop.shape == CELLS


def test_a_question_it_cannot_read_is_refused(image):
    with pytest.raises(ValueError, match="'crimson' is unknown"):
        probe_answer(asking(), image, "is crimson ?", CELLS, GREY)
