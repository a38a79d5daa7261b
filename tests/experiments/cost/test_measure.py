import pytest
import torch
import torch.nn.functional as F

from vlmteach.experiments.cost import measure as measuring
from vlmteach.experiments.cost.measure import (
    MEASURED_CONNECTORS,
    MEASURED_ENCODERS,
    measure,
    measure_connector,
    measure_encoder,
)
from vlmteach.nn import ConvNet, VisionTransformer


def flops(compute):
    return measure(compute)["flops"]


def test_a_product_costs_two_operations_for_each_pair_of_numbers():
    left, right = torch.zeros(5, 7), torch.zeros(7, 11)

    assert flops(lambda: left @ right) == 2 * 5 * 7 * 11


def test_a_convolution_costs_two_operations_for_each_weight_at_each_place():
    picture, weight = torch.zeros(1, 3, 10, 12), torch.zeros(8, 3, 3, 3)

    assert flops(lambda: F.conv2d(picture, weight, padding=1)) == 2 * (8 * 3 * 3 * 3) * (10 * 12)


@pytest.mark.parametrize(("queries", "keys"), [(9, 9), (4, 30)])
def test_attention_costs_two_products(queries, keys):
    q, k, v = (torch.zeros(1, 2, length, 8) for length in (queries, keys, keys))

    assert flops(lambda: F.scaled_dot_product_attention(q, k, v)) == 2 * (2 * 2 * queries * keys * 8)


def test_the_median_is_taken_of_the_right_number_of_timings(monkeypatch):
    ticks = iter([0.0, 0.010, 1.0, 1.002, 2.0, 2.003, 3.0, 3.004, 4.0, 4.005])
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: next(ticks))

    assert measure(lambda: torch.zeros(1))["milliseconds"] == 4.0
    assert next(ticks, None) is None


@pytest.mark.parametrize("name", MEASURED_ENCODERS)
def test_an_encoder_is_measured_with_one_token_for_each_cell(name):
    run = measure_encoder(name, 48)

    assert (run["encoder"], run["side"], run["tokens"]) == (name, 48, 36)
    assert min(run["flops"], run["milliseconds"], run["bytes"]) > 0


def test_the_encoders_cost_what_can_be_counted_by_hand():
    cells, patch = 36, 3 * 8 * 8
    convolutions = 2 * cells * 64 * (patch + 3 * 64 * 9)
    block = 2 * cells * (4 * 64 * 64 + 8 * 64 * 64) + 4 * cells * cells * 64

    assert measure_encoder("cnn", 48)["flops"] == convolutions
    assert measure_encoder("vit", 48)["flops"] == 2 * cells * 64 * patch + 2 * block
    assert isinstance(MEASURED_ENCODERS["cnn"][1](48), ConvNet)
    assert isinstance(MEASURED_ENCODERS["vit"][1](48), VisionTransformer)


@pytest.mark.parametrize(("name", "tokens"), [("projector", 144), ("space-to-depth", 36), ("resampler", 8)])
def test_a_connector_is_measured_with_the_tokens_that_it_leaves(name, tokens):
    run = measure_connector(name, 96)

    assert (run["connector"], run["side"], run["tokens"]) == (name, 96, tokens)
    assert min(run["flops"], run["milliseconds"], run["bytes"]) > 0


def test_fewer_tokens_cost_the_language_model_less():
    cost = {name: measure_connector(name, 144)["flops"] for name in MEASURED_CONNECTORS}

    assert cost["projector"] > cost["space-to-depth"] > cost["resampler"]
