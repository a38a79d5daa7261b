import pytest
import torch
import torch.nn.functional as F

from vlmteach.experiments.matrix.models import HEADS, MATRIX_CONNECTORS, MATRIX_ENCODERS, SIDE, Standardise, build_vlm
from vlmteach.experiments.matrix.record import COMPARED, CONTROLS
from vlmteach.experiments.matrix.train import answer_scores
from vlmteach.nn import AddPositions, LanguageModel, VisualTokens
from vlmteach.pictures.scenes.batches import make_batch
from vlmteach.pictures.scenes.drawing import draw_scenes
from vlmteach.pictures.scenes.sampling import far_scenes

BATCH = make_batch(4, seed=0)


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", MATRIX_ENCODERS)
def test_encoders_are_of_one_size(name):
    assert 100_000 <= parameters(MATRIX_ENCODERS[name].build()) <= 150_000


def test_a_control_has_the_size_of_what_it_is_compared_with():
    assert set(MATRIX_ENCODERS) == {*COMPARED, *(control.encoder for control in CONTROLS)}
    assert parameters(MATRIX_ENCODERS["cnn-small-zeros"].build()) == parameters(MATRIX_ENCODERS["cnn-small"].build())
    places = 36 * 64
    assert parameters(MATRIX_ENCODERS["vit-bag"].build()) == parameters(MATRIX_ENCODERS["vit"].build()) - places


@pytest.mark.parametrize("name", MATRIX_ENCODERS)
def test_every_encoder_gives_six_by_six_tokens_of_its_width(name):
    visual = MATRIX_ENCODERS[name].build().eval()(BATCH.pictures)

    assert visual.tokens.shape == (4, 36, MATRIX_ENCODERS[name].width)
    assert visual.num_prefix_tokens == 0
    assert torch.equal(visual.boxes[0, 7], torch.tensor([1, 1, 2, 2]) / 6)


def reach(name):
    """How many cells away, across the borders too, a cell still hears of another."""
    encoder = MATRIX_ENCODERS[name].build().eval()
    picture = torch.rand(1, 3, SIDE, SIDE, requires_grad=True)
    (encoder(picture).tokens[0, 14] * torch.randn(MATRIX_ENCODERS[name].width)).sum().backward()
    heard = picture.grad[0].abs().amax(dim=0).unflatten(1, (6, 8)).unflatten(0, (6, 8)).amax(dim=(1, 3)) > 0
    rows, columns = heard.nonzero().T
    legs = [(part - centre).abs() for part, centre in ((rows, 2), (columns, 2))]
    return int(torch.maximum(*(torch.minimum(leg, 6 - leg) for leg in legs)).max())


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("cnn-small", 1),
        ("cnn-small-zeros", 1),
        ("cnn-large", 3),
        ("cnn-attention", 3),
        ("conv-stem-vit", 3),
        ("vit", 3),
    ],
)
def test_how_far_a_cell_hears_is_what_the_title_says(name, cells):
    """Three cells is as far as any two are apart on this board, where borders wrap."""
    assert reach(name) == cells
    if "field" in MATRIX_ENCODERS[name].title:
        assert f"field {2 * cells + 1} cells" in MATRIX_ENCODERS[name].title


def test_an_empty_board_becomes_zero():
    board = draw_scenes(far_scenes(1, seed=0))[:, :, :8, :8]
    corner = board[:, :, 0, 0]

    assert Standardise()(corner[..., None, None]).abs().max() <= 1e-5
    assert Standardise()(BATCH.pictures).std() < 2


@pytest.mark.parametrize("positions", [True, False])
@pytest.mark.parametrize("connector", MATRIX_CONNECTORS)
@pytest.mark.parametrize("encoder", MATRIX_ENCODERS)
def test_every_cell_answers_and_learns(encoder, connector, positions):
    model = build_vlm(encoder, connector, positions, seed=0)
    scores = answer_scores(model, BATCH)
    F.cross_entropy(scores.flatten(0, 1), BATCH.answers.flatten()).backward()

    assert scores.shape == (4, 8, len(model.language_model.tokenizer))
    for name, parameter in model.named_parameters():
        if parameter.numel():  # no encoder of the matrix has prefix tokens
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("connector", MATRIX_CONNECTORS)
def test_positions_are_added_once_or_nowhere(connector):
    def places(positions):
        return [
            m for m in build_vlm("cnn-small", connector, positions, seed=0).modules() if isinstance(m, AddPositions)
        ]

    assert len(places(True)) == 1
    assert places(False) == []


@pytest.mark.parametrize("encoder", MATRIX_ENCODERS)
def test_every_connector_begins_with_the_same_translator(encoder):
    heads = {}
    for name in MATRIX_CONNECTORS:
        translator = build_vlm(encoder, name, True, seed=0).connector.translator
        heads[name] = [str(step) for step in translator[:4]]

    assert all(head == heads["prefix"] for head in heads.values())


def test_the_language_model_is_of_one_kind():
    """But for the one layer that a deep prefix puts before its blocks."""
    kinds = {}
    for way in MATRIX_CONNECTORS:
        blocks = [build_vlm(encoder, way, True, 0).language_model.blocks for encoder in MATRIX_ENCODERS]
        kinds[way] = {str(each[-2:]) for each in blocks}
        assert {len(each) for each in blocks} == {3 if way == "deep-prefix" else 2}

    assert len(set.union(*kinds.values())) == 1
    assert isinstance(build_vlm("vit", "prefix", True, 0).language_model, LanguageModel)


def test_vectors_reach_the_language_model_as_one_token_and_the_resampler_as_eight():
    tokens = {}
    for name in MATRIX_CONNECTORS:
        model = build_vlm("cnn-small", name, True, seed=0).eval()
        words = model.language_model.embed(BATCH.words).flatten(1, 2)
        tokens[name] = model.connector(model.encoder(BATCH.pictures), words).shape[1] - words.shape[1]

    assert tokens == {
        "prefix": 36,
        "deep-prefix": 36,
        "cross-attention": 0,
        "resampler": 8,
        "attention-pool": 1,
        "vector": 1,
    }


def test_an_attention_block_follows_the_cnn_and_keeps_the_boxes():
    encoder = MATRIX_ENCODERS["cnn-attention"].build().eval()
    before, after = encoder.encoder(BATCH.pictures), encoder(BATCH.pictures)

    assert isinstance(after, VisualTokens)
    assert torch.equal(after.boxes, before.boxes)
    assert torch.equal(after.tokens, encoder.block(before.tokens))
    assert encoder.block.attn.num_heads == HEADS


def test_a_seed_gives_the_same_weights_and_leaves_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    one, same, other = (build_vlm("vit", "resampler", True, seed).state_dict() for seed in (3, 3, 4))

    assert torch.equal(torch.rand(2), expected)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["language_model.words.weight"], other["language_model.words.weight"])


@pytest.mark.parametrize(
    ("encoder", "connector", "sentence"),
    [
        ("resnet", "prefix", "there is no encoder 'resnet' in the matrix; expected one of cnn-small, cnn-large"),
        ("vit", "film", "there is no connector 'film' in the matrix; expected one of prefix, deep-prefix"),
    ],
)
def test_an_unknown_name_is_refused(encoder, connector, sentence):
    with pytest.raises(ValueError, match=sentence):
        build_vlm(encoder, connector, True, seed=0)
