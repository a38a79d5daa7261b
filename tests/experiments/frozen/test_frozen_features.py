"""What a frozen encoder sees: read on its grid, kept, and computed once."""

import pytest
import torch
from support.wheels import require_installed

from vlmteach.backbones import load_encoder, preprocessing_of
from vlmteach.backbones.wheels import DINOV2_SMALL_14, EFFICIENTNET_LITE0
from vlmteach.experiments.frozen.encoders import enlarge, frozen_tokens, look
from vlmteach.experiments.frozen.features import BATCH, Features, FrozenEncoder, joined
from vlmteach.experiments.frozen.models import ENCODERS
from vlmteach.experiments.matrix.train import HELD_OUT
from vlmteach.pictures.scenes.batches import make_batch

SMALL = FrozenEncoder("a small encoder", "none", side=48, cells=4, width=3, pool=2)


def test_a_pooled_token_is_the_mean_of_its_square_and_stands_for_it():
    kept = torch.arange(16.0).view(1, 16, 1).expand(2, 16, 3).half()
    visual = SMALL.visual(kept)

    assert visual.tokens[0, :, 0].tolist() == [2.5, 4.5, 10.5, 12.5]  # 0 1 4 5, 2 3 6 7, 8 9 12 13, 10 11 14 15
    assert (visual.grid, visual.num_prefix_tokens, SMALL.tokens) == ((2, 2), 0, 4)
    assert visual.boxes[1, 1].tolist() == [0, 0.5, 0.5, 1]
    assert visual.tokens.dtype == torch.float32


def test_without_pooling_tokens_stay_as_they_are():
    kept = torch.randn(2, 36, 320).half()

    assert torch.equal(ENCODERS["cnn"].visual(kept).tokens, kept.float())


def test_what_was_seen_once_is_read_the_next_time(tmp_path):
    looked = []

    def seen(encoder, pictures):
        looked.append(len(pictures))
        return pictures.flatten(1)[:, :48].unflatten(1, (16, 3)).half()

    first = Features(SMALL, seen, tmp_path).batch(7, 2)
    again = Features(SMALL, seen, tmp_path).batch(7, 2)
    Features(SMALL, seen, tmp_path).batch(7, 3)
    Features(SMALL, seen, tmp_path).batch(8, 2)

    assert looked == [BATCH] * 3
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_a_damaged_file_is_made_again(tmp_path):
    features = Features(SMALL, lambda encoder, pictures: pictures.half(), tmp_path)
    whole = features.batch(7, 2)
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:100])

    assert torch.equal(features.batch(7, 2).pictures, whole.pictures)
    assert torch.equal(features.batch(7, 2).pictures, whole.pictures)  # and kept


def test_a_batch_is_that_of_make_batch_without_the_pairs_that_are_held_out(tmp_path):
    batch = Features(SMALL, lambda encoder, pictures: pictures.half(), tmp_path).batch(7, 2)
    expected = make_batch(BATCH, (7, 2), pairs=~HELD_OUT)

    assert torch.equal(batch.pictures, expected.pictures.half())
    assert all(torch.equal(a, b) for a, b in zip(batch[1:], expected[1:], strict=True))


def test_encoders_that_differ_only_in_pooling_share_what_is_kept_and_others_do_not():
    assert ENCODERS["vit"].source == ENCODERS["vit-own"].source
    assert len({encoder.source for encoder in ENCODERS.values()}) == len(ENCODERS) - 1


def test_joined_batches_follow_each_other():
    parts = [make_batch(4, seed) for seed in (0, 1)]
    whole = joined(parts)

    assert all(torch.equal(whole[n][4:], parts[1][n]) for n in range(4))


def test_enlarged_scenes_stay_pictures():
    large = enlarge(make_batch(4, 0).pictures, 192)

    assert large.shape == (4, 3, 192, 192)
    assert 0 <= large.min() <= large.max() <= 1


@pytest.mark.parametrize(("name", "wheel"), [("cnn", EFFICIENTNET_LITE0), ("vit", DINOV2_SMALL_14)])
def test_a_real_encoder_looks_as_its_encoder_does(name, wheel):
    require_installed(wheel)
    encoder, pictures = ENCODERS[name], make_batch(4, 0).pictures
    large = preprocessing_of(encoder.backbone).normalise(enlarge(pictures, encoder.side))
    with torch.no_grad():
        own = load_encoder(encoder.backbone, "pretrained")(large).without_prefix_tokens().tokens
    kept = look(encoder, pictures)
    visual = frozen_tokens(encoder, pictures)

    assert kept.shape == (4, encoder.cells**2, encoder.width)
    torch.testing.assert_close(kept.float(), own, rtol=2e-3, atol=2e-3)
    assert not visual.tokens.requires_grad
    assert visual.tokens.shape == (4, 36, encoder.width)
    assert (visual.tokens[0] - visual.tokens[1]).abs().amax() > 1  # two scenes do not look alike
