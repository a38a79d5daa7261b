import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_weights import largest_difference, randomise
from torch import nn

from vlmteach.backbones import GridEncoder
from vlmteach.nn import (
    Connect,
    ConvNet,
    ConvStemViT,
    CrossAttentionConnector,
    LanguageModel,
    PerceiverResampler,
    Prefix,
    Projector,
    VectorFusion,
    VisionLanguageModel,
    VisionTransformer,
    WordTokenizer,
    packed_mask,
)
from vlmteach.probes import attention_maps, occlusion

WORDS = ("<pad>", "what", "shape", "colour", "is", "red", "blue", "?")
VISION, DIM, HEADS, LENGTH = 8, 12, 2, 5
QUESTIONS = torch.tensor(
    [[[1, 2, 4, 5, 7], [1, 3, 7, 0, 0], [6, 6, 1, 2, 3]], [[5, 4, 3, 2, 1], [7, 7, 7, 7, 7], [4, 5, 7, 0, 0]]]
)

CONNECTORS = {
    "prefix": lambda: Connect(Projector(VISION, DIM), Prefix()),
    "resampler": lambda: Connect(
        nn.Sequential(PerceiverResampler(VISION, latents=3, depth=1, num_heads=HEADS), Projector(VISION, DIM)), Prefix()
    ),
    "cross-attention": lambda: CrossAttentionConnector(VISION, DIM, num_heads=HEADS),
    "concat": lambda: VectorFusion(VISION, DIM, kind="concat"),
    "film": lambda: VectorFusion(VISION, DIM, kind="film"),
}
IN_FRONT = {"prefix": 6, "resampler": 3, "cross-attention": 0, "concat": 0, "film": 0}  # of 2 x 3 cells


def cnn():
    return ConvNet(VISION, (1,), stem="patch", stride=4)


def any_cnn():
    return GridEncoder(nn.Sequential(nn.Conv2d(3, VISION, 4, 4), nn.BatchNorm2d(VISION), nn.ReLU()))


ENCODERS = {
    "CNN": (cnn, 0),
    "CNN of a library": (any_cnn, 0),
    "ViT": (lambda: VisionTransformer((8, 12), 4, VISION, depth=1, num_heads=HEADS, cls=False), 0),
    "ViT with CLS and registers": (
        lambda: VisionTransformer((8, 12), 4, VISION, depth=1, num_heads=HEADS, registers=2),
        3,
    ),
    "hybrid": (lambda: ConvStemViT((8, 12), 4, VISION, depth=1, num_heads=HEADS, cls=False), 0),
}


def make_model(connector, encoder="CNN", dtype=torch.float64):
    language_model = LanguageModel(WordTokenizer(WORDS), DIM, depth=2, num_heads=HEADS, context=LENGTH)
    return randomise(VisionLanguageModel(ENCODERS[encoder][0](), CONNECTORS[connector](), language_model)).to(dtype)


def pictures(count=2, dtype=torch.float64):
    return torch.rand(count, 3, 8, 12, generator=torch.Generator().manual_seed(1), dtype=dtype)


@pytest.mark.parametrize("connector", CONNECTORS)
def test_packed_questions_get_the_answers_of_separate_ones(connector):
    model, images = make_model(connector), pictures()
    packed = model(images, QUESTIONS)

    assert packed.shape == (2, 3, LENGTH, len(WORDS))
    for question in range(3):
        alone = model(images, QUESTIONS[:, question : question + 1])
        assert largest_difference(packed[:, question : question + 1], alone) <= 1e-12


@pytest.mark.parametrize("connector", CONNECTORS)
def test_a_question_is_not_heard_by_the_others(connector):
    model, images = make_model(connector), pictures()
    changed = QUESTIONS.clone()
    changed[:, 1, 0] = 6
    moved = (model(images, changed) - model(images, QUESTIONS)).abs().amax(dim=(0, 2, 3))

    assert moved[[0, 2]].max() <= 1e-12
    assert moved[1] > 1e-3


@pytest.mark.parametrize("connector", CONNECTORS)
def test_a_later_word_changes_no_earlier_score(connector):
    model, images = make_model(connector), pictures()
    changed = QUESTIONS.clone()
    changed[:, :, 3] = 6
    moved = (model(images, changed) - model(images, QUESTIONS)).abs().amax(dim=(0, 1, 3))

    assert moved[:3].max() <= 1e-12
    assert moved[3:].min() > 1e-3


@pytest.mark.parametrize("connector", CONNECTORS)
def test_padding_behind_the_question_mark_changes_nothing(connector):
    model, images = make_model(connector), pictures()
    short = QUESTIONS[:, :, :3]
    padded = torch.cat([short, torch.zeros(2, 3, 2, dtype=torch.int64)], dim=2)

    assert largest_difference(model(images, padded)[:, :, :3], model(images, short)) <= 1e-12


@pytest.mark.parametrize("connector", ["prefix", "resampler"])
def test_picture_tokens_see_the_picture_and_no_word(connector):
    model, heard = make_model(connector), []
    model.language_model.register_forward_hook(lambda module, inputs, output: heard.append(output))
    images, in_front = pictures(), IN_FRONT[connector]
    model(images, QUESTIONS)
    model(images, QUESTIONS.flip(1)[:, :2])
    other = images.clone()
    other[:, :, 4:, 8:] = 0  # the last cell
    model(other, QUESTIONS)

    assert largest_difference(heard[0][:, :in_front], heard[1][:, :in_front]) <= 1e-12
    assert (heard[0] - heard[2])[:, :in_front].abs().amax(dim=2).min() > 1e-6  # the first token hears of the last


@pytest.mark.parametrize("connector", CONNECTORS)
def test_each_picture_is_looked_at_for_its_own_questions_only(connector):
    model, images = make_model(connector), pictures()
    other = torch.cat([images[:1], images[1:] / 2])
    moved = (model(other, QUESTIONS) - model(images, QUESTIONS)).abs().amax(dim=3)

    assert moved[0].max() <= 1e-12
    assert moved[1].min() > 1e-6  # every word of every question sees the picture


@given(st.integers(0, 7), st.integers(1, 5), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_the_mask_says_who_may_look_at_whom(in_front, questions, length):
    mask = packed_mask(in_front, questions, length)
    size = in_front + questions * length

    assert mask.shape == (size, size)
    assert mask.dtype == torch.bool
    for looks in range(size):
        for at in range(size):
            if at < in_front:
                may = True
            elif looks < in_front:
                may = False
            else:
                question, word = divmod(looks - in_front, length)
                other_question, other_word = divmod(at - in_front, length)
                may = question == other_question and other_word <= word
            assert mask[looks, at] == may


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("connector", CONNECTORS)
def test_the_encoder_is_swapped_by_one_argument(encoder, connector):
    model = make_model(connector, encoder)
    scores = model(pictures(), QUESTIONS)
    scores.square().sum().backward()

    assert scores.shape == (2, 3, LENGTH, len(WORDS))
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.numel())
    assert sum(p.grad.abs().sum() for p in model.encoder.parameters()) > 0


@pytest.mark.parametrize("connector", CONNECTORS)
def test_an_answer_is_the_probability_of_each_word_behind_the_question_mark(connector):
    model, images = make_model(connector), pictures()
    answer = model.answer(images[0], "what colour is red?")
    expected = model(images[:1], torch.tensor([[[1, 3, 4, 5, 7]]]))[0, 0, -1].softmax(dim=0)

    assert sorted(answer) == sorted(WORDS)
    assert list(answer.values()) == sorted(answer.values(), reverse=True)
    assert sum(answer.values()) == pytest.approx(1, abs=1e-12)
    assert [answer[word] for word in WORDS] == pytest.approx(expected.tolist(), abs=1e-12)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("what colour is rde ?", "the word 'rde' is unknown to this language model. Use one of: red"),
        ("", "the question is empty"),
        ("is red red red red ?", "the text has 6 words; this language model reads at most 5"),
    ],
)
def test_a_question_it_cannot_read_is_refused(question, message):
    with pytest.raises(ValueError, match=message):
        make_model("prefix").answer(pictures()[0], question)


def test_a_batch_of_pictures_has_no_single_answer():
    with pytest.raises(ValueError, match=r"expected .*\(B, .*H, W\)"):
        make_model("prefix").answer(pictures(), "is red ?")


@pytest.mark.parametrize("questions", [QUESTIONS[:, 0], QUESTIONS[:1], QUESTIONS[0, 0], QUESTIONS[None]])
def test_questions_of_another_shape_are_refused(questions):
    with pytest.raises(ValueError, match=r"questions has shape .*; expected \(2, Q, L\).*for each picture"):
        make_model("cross-attention")(pictures(), questions)


def test_no_answer_is_given_in_training_mode_and_no_running_average_moves():
    model, images = make_model("cross-attention").train(), pictures()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"training mode.*expected eval mode.*model\.eval\(\)"):
        model.answer(images[0], "is red ?")
    model.eval().encoder.train()  # a single part is enough to change the answer
    with pytest.raises(ValueError, match="training mode"):
        model.answer(images[0], "is red ?")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_cross_attention_of_an_answer_is_read_by_the_probe():
    model, images = make_model("cross-attention", "ViT"), pictures(1)
    maps = attention_maps(model, images, QUESTIONS[:1])
    cross = maps["connector.attend"]

    assert maps.grid == (2, 3)
    assert cross.shape == (1, HEADS, 3 * LENGTH, 6)
    assert (cross.sum(dim=-1) - 1).abs().max() <= 1e-12
    asked = maps["language_model.blocks.1.attn"]
    assert (asked > 0).all(dim=(0, 1)).equal(packed_mask(0, 3, LENGTH))
    assert maps.among_picture_tokens().names == ("encoder.blocks.0.attn",)


@pytest.mark.parametrize(("encoder", "num_prefix_tokens"), [("CNN", 0), ("ViT with CLS and registers", 3)])
def test_attention_to_a_prefix_is_read_by_the_probe(encoder, num_prefix_tokens):
    model, images = make_model("prefix", encoder), pictures(1)
    maps = attention_maps(model, images, QUESTIONS[:1])
    read = maps["language_model.blocks.0.attn"]
    in_front = num_prefix_tokens + 6

    assert (maps.grid, maps.num_prefix_tokens) == ((2, 3), num_prefix_tokens)
    assert (read > 0).all(dim=(0, 1)).equal(packed_mask(in_front, 3, LENGTH))
    end_of_first = in_front + LENGTH - 1
    to_picture = read[0, :, end_of_first, num_prefix_tokens:in_front].unflatten(1, maps.grid)
    assert to_picture.shape == (HEADS, 2, 3)
    assert (to_picture.sum(dim=(1, 2)) < 1).all()  # the words take the rest


@pytest.mark.parametrize("connector", CONNECTORS)
def test_occlusion_measures_how_an_answer_depends_on_each_cell(connector):
    model, image = make_model(connector), pictures(1)
    words = model.language_model.tokenizer.encode("what shape is red ?")[None, None]

    def answers(images):
        return model(images, words.expand(len(images), -1, -1))[:, 0, -1].softmax(dim=-1)

    change = occlusion(answers, image, cells=(2, 3), fill=0.5)
    covered = image.clone()
    covered[:, :, 4:8, 0:4] = 0.5
    before, after = (model.answer(each[0], "what shape is red ?") for each in (image, covered))

    assert change.shape == (2, 3, len(WORDS))
    assert change.sum(dim=-1).abs().max() <= 1e-12
    assert change[1, 0].tolist() == pytest.approx([after[word] - before[word] for word in WORDS], abs=1e-12)
    assert change.abs().amax(dim=-1).min() > 1e-9
