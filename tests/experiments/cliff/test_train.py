import math

import numpy as np
import pytest
import torch
from torch import nn

from vlmteach.experiments.cliff import CliffLoss, cliff_batches, count_right
from vlmteach.pictures.cliff import cliff_batch


class Oracle(nn.Module):
    """Knows the colours of the batches it is shown, and says the right one where `knows` is true."""

    def __init__(self, knows):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.knows = knows
        self.batches = []

    def show(self, batch):
        self.batches.append(batch)
        return batch

    def forward(self, pictures, marker_token):
        batch = next(b for b in self.batches if torch.equal(b.pictures, pictures))
        colour = torch.where(self.knows(batch), batch.colour, (batch.colour + 1) % 6)
        return self.scale * nn.functional.one_hot(colour, 6).float()


def test_the_loss_is_the_cross_entropy():
    model = Oracle(lambda batch: batch.distance > 0)
    loss = CliffLoss()(model, model.show(cliff_batch(8, seed=0)))

    assert loss.item() == pytest.approx(math.log(1 + 5 / math.e))


def test_the_report_counts_right_answers_by_distance_in_each_window():
    model = Oracle(lambda batch: batch.distance <= 3)
    graded = CliffLoss()
    for step in range(4):
        graded(model, model.show(cliff_batch(64, seed=(0, step))))
        model.knows = (lambda batch: batch.distance <= 5) if step >= 1 else model.knows

    assert graded.accuracy(window=2).tolist() == [[1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0]]
    assert graded.accuracy(window=3).shape == (1, 7)
    assert graded.accuracy(window=5).shape == (0, 7)


def test_a_distance_that_was_not_asked_has_no_accuracy():
    model, graded = Oracle(lambda batch: batch.distance > 0), CliffLoss()
    graded(model, model.show(cliff_batch(1, seed=0)))

    assert np.isnan(graded.accuracy(window=1)).sum() == 6


def test_the_pictures_of_a_step_depend_on_seed_and_step_alone():
    batch = cliff_batches(seed=3, count=4)

    assert torch.equal(batch(5).pictures, cliff_batches(seed=3, count=4)(5).pictures)
    assert not torch.equal(batch(5).pictures, batch(6).pictures)
    assert not torch.equal(batch(5).pictures, cliff_batches(seed=4, count=4)(5).pictures)


class AlwaysRed(nn.Module):
    """Says "red" to everything, and remembers in which mode it was asked."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.was_training = []

    def forward(self, pictures, marker_token):
        self.was_training.append(self.training)
        return torch.eye(6)[torch.zeros(len(pictures), dtype=torch.long)]


def test_right_answers_are_counted_at_each_offset():
    model = AlwaysRed().train()
    right = count_right(model, per_offset=6, chunk=100)

    assert right.shape == (15, 15)
    assert right[7, 7] == 0
    assert right.max() <= 6
    assert right.sum() == pytest.approx(224, abs=4 * (224 * 5 / 6) ** 0.5)  # one in six is red
    assert not any(model.was_training)


def test_right_answers_land_at_their_own_offset(monkeypatch):
    from vlmteach.experiments.cliff import train

    model = Oracle(lambda batch: (batch.offset == torch.tensor([-2, 5])).all(dim=1))
    draw = train.cliff_pictures
    monkeypatch.setattr(train, "cliff_pictures", lambda offsets, seed: model.show(draw(offsets, seed)))
    right = count_right(model, per_offset=3)

    assert np.argwhere(right).tolist() == [[5, 12]]
    assert right[5, 12] == 3
