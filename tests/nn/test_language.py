import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_weights import largest_difference, randomise
from torch import nn
from torch.nn import functional as F

from vlmteach.nn import LanguageModel, WordTokenizer, causal_mask

WORDS = ("<pad>", "what", "shape", "colour", "is", "red", "blue", "?")
TOKENIZER = WordTokenizer(WORDS)
DIM, HEADS, CONTEXT = 12, 3, 6


def make_model(depth=2, dtype=torch.float32):
    return randomise(LanguageModel(TOKENIZER, DIM, depth=depth, num_heads=HEADS, context=CONTEXT)).to(dtype)


def read(model, words):
    """Scores of the next word at each word of texts (B, T), each word seeing those before it."""
    return model(model.embed(words), causal_mask(words.shape[1]))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(WORDS[1:]), min_size=1, max_size=12))
def test_a_sentence_comes_back_from_its_numbers(words):
    sentence = " ".join(words)

    assert TOKENIZER.decode(TOKENIZER.encode(sentence)) == sentence


@settings(max_examples=30, deadline=None)
@given(st.permutations(WORDS))
def test_a_number_is_the_words_place_in_the_vocabulary(words):
    tokenizer = WordTokenizer(words)

    assert tokenizer.encode(" ".join(words)).tolist() == list(range(len(WORDS)))
    assert len(tokenizer) == len(WORDS)


@pytest.mark.parametrize("sentence", ["is red ?", "is red?", "Is RED?", "  is\n red  ? "])
def test_case_and_spaces_do_not_count(sentence):
    numbers = TOKENIZER.encode(sentence)

    assert numbers.tolist() == [4, 5, 7]
    assert numbers.dtype == torch.int64


def test_padding_is_not_spoken():
    assert TOKENIZER.decode(torch.tensor([4, 5, 7, 0, 0])) == "is red ?"


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("what colr is red ?", r"the word 'colr' is unknown to this language model\. Use one of: colour\."),
        ("is reed ?", r"the word 'reed' is unknown .* Use one of: red\."),
        ("is xyz ?", r"the word 'xyz' is unknown .* Use one of: what, shape, colour, is, red, blue, \?\."),
        ("", "the question is empty; expected words such as what, shape, colour, is, red"),
        (" \n", "the question is empty"),
    ],
)
def test_what_it_cannot_read_is_refused_with_a_sentence(sentence, message):
    with pytest.raises(ValueError, match=message):
        TOKENIZER.encode(sentence)


@pytest.mark.parametrize("words", [("<pad>", "red", "red"), ("<pad>", "dark red"), ("<pad>", "")])
def test_a_vocabulary_of_anything_but_different_single_words_is_refused(words):
    with pytest.raises(ValueError, match="holds a word twice, or one with a space"):
        WordTokenizer(words)


def test_a_token_is_its_word_plus_its_place():
    model = make_model()
    words = torch.tensor([[[5, 5, 2], [0, 7, 5]]])
    embedded = model.embed(words)

    assert embedded.shape == (1, 2, 3, DIM)
    for question in range(2):
        for place in range(3):
            expected = model.words.weight[words[0, question, place]] + model.positions[place]
            assert torch.equal(embedded[0, question, place], expected)


def test_a_text_longer_than_the_context_is_refused():
    model = make_model()

    assert model.embed(torch.zeros(1, 6, dtype=torch.int64)).shape == (1, 6, DIM)
    with pytest.raises(ValueError, match="the text has 7 words; this language model reads at most 6"):
        model.embed(torch.zeros(1, 7, dtype=torch.int64))


def test_a_later_word_changes_no_earlier_score():
    model = make_model()
    words = torch.tensor([[1, 2, 4, 5, 7, 6]])
    scores = read(model, words)

    assert scores.shape == (1, 6, len(WORDS))
    for place in range(6):
        changed = words.clone()
        changed[0, place] = 3
        moved = (read(model, changed) - scores).abs().amax(dim=(0, 2))
        assert (moved[:place] <= 1e-6).all()
        assert moved[place:].min() > 1e-3


def test_the_same_words_in_another_order_are_another_text():
    model = make_model()
    one, other = torch.tensor([[5, 4, 6, 7]]), torch.tensor([[6, 4, 5, 7]])

    assert largest_difference(read(model, one)[:, -1], read(model, other)[:, -1]) > 1e-3


def torchs_layer(block):
    """torch's own pre-norm layer with the weights of one of our blocks."""
    layer = nn.TransformerEncoderLayer(
        DIM, HEADS, 4 * DIM, dropout=0.0, activation="gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    )
    names = {"attn.qkv.": "self_attn.in_proj_", "attn.proj": "self_attn.out_proj"}
    names |= {"mlp.fc1": "linear1", "mlp.fc2": "linear2"}
    weights = block.state_dict()
    for ours, theirs in names.items():
        weights = {name.replace(ours, theirs): tensor for name, tensor in weights.items()}
    layer.load_state_dict(weights)
    return layer.double().train()  # in eval mode torch takes a fused path


@pytest.mark.parametrize("depth", [1, 3])
def test_it_equals_torchs_layers_between_an_embedding_and_a_linear_map(depth):
    model = make_model(depth, torch.float64)
    words = torch.tensor([[1, 2, 4, 5, 7], [6, 6, 3, 0, 7]])
    hidden = F.embedding(words, model.words.weight) + model.positions[:5]
    hidden_from = nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64)
    for block in model.blocks:
        hidden = torchs_layer(block)(hidden, src_mask=hidden_from)
    hidden = F.layer_norm(hidden, (DIM,), model.norm.weight, model.norm.bias)

    assert largest_difference(read(model, words), hidden @ model.head.weight.T + model.head.bias) <= 1e-10


def test_every_parameter_learns():
    model = LanguageModel(TOKENIZER, DIM, depth=2, num_heads=HEADS, context=CONTEXT)
    words = torch.tensor([[1, 2, 4, 5, 7, 6], [3, 0, 1, 2, 4, 5]])
    F.cross_entropy(read(model, words).flatten(0, 1), words.roll(-1, dims=1).flatten()).backward()

    for name, parameter in model.named_parameters():
        learns = parameter.grad.abs().amax(dim=-1)
        assert (learns > 0).all(), name


def test_at_the_start_words_differ_in_what_they_look_at():
    torch.manual_seed(0)
    model = LanguageModel(TOKENIZER, 64, depth=1, num_heads=4, context=CONTEXT)
    embedded = model.embed(torch.arange(6)[None])
    attend = model.blocks[0].attn
    query, key, _ = attend.qkv(model.blocks[0].norm1(embedded)).chunk(3, dim=-1)
    scores = query.unflatten(-1, (4, 16)).transpose(1, 2) @ key.unflatten(-1, (4, 16)).permute(0, 2, 3, 1) / 16**0.5

    assert scores.std() > 0.5


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="12 cannot be split into 5 heads"):
        LanguageModel(TOKENIZER, DIM, depth=1, num_heads=5, context=CONTEXT)
