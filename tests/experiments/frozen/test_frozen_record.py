"""Recording behind frozen encoders, with a made-up encoder, short runs or made-up ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vlmteach.experiments.frozen import FrozenResults, load_results
from vlmteach.experiments.frozen import __main__ as command
from vlmteach.experiments.frozen import record as recording
from vlmteach.experiments.frozen import run as making
from vlmteach.experiments.frozen.features import BATCH, Features, joined
from vlmteach.experiments.frozen.models import CONNECTORS, ENCODERS, build_behind
from vlmteach.experiments.frozen.record import BATCHES, RATES, ROUNDS, Cell, Recorder, make_run
from vlmteach.experiments.frozen.run import Case, run_case, shuffled, standard_errors
from vlmteach.experiments.matrix.train import AnswerLoss, family_means
from vlmteach.experiments.recording import write_results
from vlmteach.experiments.result import Result
from vlmteach.nn import tokens
from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, make_batch
from vlmteach.training import Recipe

SHORT = Recipe(steps=40, learning_rate=4e-3, warmup=5)
CASE = Case("cnn", "cross-attention", 0, 2, SHORT)
CELLS = [Cell("cnn", "prefix"), Cell("vit", "cross-attention")]


def cell_colours(encoder, pictures):
    """An encoder that hands on what stands in each cell, spread over as many numbers as the real one has."""
    cells = tokens.patchify(torch.nn.functional.interpolate(pictures, size=(encoder.cells * 4,) * 2, mode="area"), 4)
    spread = torch.randn(48, encoder.width, generator=torch.Generator().manual_seed(0))
    return (cells @ spread).half()


@pytest.fixture
def features(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "TESTED", 2)
    monkeypatch.setattr(making, "VALIDATED", 1)
    monkeypatch.setattr(making, "WINDOW", 10)
    return Features(ENCODERS["cnn"], cell_colours, tmp_path / "features")


def test_a_run_holds_what_the_record_needs_and_learns(features):
    run, weights = run_case(CASE, features)

    assert {key: run[key] for key in ("encoder", "connector", "seed", "pictures", "steps", "learning_rate")} == {
        "encoder": "cnn",
        "connector": "cross-attention",
        "seed": 0,
        "pictures": 2 * BATCH,
        "steps": 40,
        "learning_rate": 4e-3,
    }
    lists = ("accuracy", "standard_error", "picture_blind", "question_blind", "known")
    assert all(len(run[key]) == len(QUESTION_FAMILIES) for key in lists)
    assert run["loss"] == sorted(run["loss"], reverse=True)
    assert run["loss"][-1] < 0.7 * run["loss"][0]
    assert 0 < run["validation_loss"] < 4
    assert weights.keys() == build_behind("cnn", "cross-attention", 0).state_dict().keys()


def test_a_run_is_repeatable_and_another_seed_is_another_run(features):
    short = CASE._replace(recipe=replace(SHORT, steps=10))
    first, again, other = (run_case(case, features).run for case in (short, short, short._replace(seed=1)))

    assert {**again, "seconds": 0} == {**first, "seconds": 0}
    assert other["loss"] != first["loss"]


def test_a_stopped_run_is_no_result(monkeypatch, features):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(AnswerLoss, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        run_case(CASE, features)


def test_a_set_is_gone_through_once_before_it_comes_again_in_another_order():
    of_step = shuffled(3, 5, lambda number: number)
    rounds = [[of_step(step) for step in range(start, start + 5)] for start in (0, 5, 10)]

    assert all(sorted(numbers) == [0, 1, 2, 3, 4] for numbers in rounds)
    assert len({tuple(numbers) for numbers in rounds}) > 1
    assert [shuffled(4, 5, lambda number: number)(step) for step in range(5)] != rounds[0]


def test_the_test_hides_either_side(monkeypatch, features):
    asked = []
    monkeypatch.setattr(making, "right_answers", lambda model, batch: asked.append(batch) or batch.answers > 0)
    batch = joined(features.batches(5, 3))
    making.test(torch.nn.Identity(), batch)
    plain, no_picture, no_question = asked

    assert all(torch.equal(a, b) for a, b in zip(plain, batch, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(plain[1:], no_picture[1:], strict=True))
    twin = batch.pictures.unflatten(0, (3, 2, 2, -1)).flip(2).flatten(0, 3)
    for others in (plain.pictures, twin):  # nobody is shown its own picture, nor its counterfactual
        assert (no_picture.pictures != others).flatten(1).any(dim=1).all()
    assert torch.equal(no_question.pictures, plain.pictures)
    assert (no_question.words != plain.words).any(dim=2).double().mean() > 0.5


def test_standard_errors_are_those_of_many_draws():
    """An oracle: answers drawn again and again, whose means vary as the standard error says. Twins answer alike."""
    batch, rng = joined([make_batch(BATCH, seed) for seed in range(8)]), torch.Generator().manual_seed(0)
    shape = (300, 8, 2, 1, BATCH // 4, 1)
    of_pair = torch.rand(shape, generator=rng).expand(-1, -1, -1, 2, -1, 8).flatten(1, 4)
    right = of_pair < 0.7
    measured = np.std([family_means(draw, batch.family) for draw in right], axis=0)
    stated = np.mean([standard_errors(draw, batch.family) for draw in right], axis=0)

    np.testing.assert_allclose(stated, measured, rtol=0.15)


def test_what_never_varies_has_no_error():
    batch = make_batch(BATCH, 0)

    assert standard_errors(torch.ones_like(batch.family, dtype=torch.bool), batch.family).tolist() == [0] * 6


@pytest.mark.parametrize("connector", CONNECTORS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_cell_answers_and_only_what_is_behind_the_encoder_learns(encoder, connector):
    model, batch = build_behind(encoder, connector, 0), make_batch(4, 0)
    kept = torch.randn(4, ENCODERS[encoder].cells ** 2, ENCODERS[encoder].width).half()
    scores = model(kept, batch.words)
    scores.mean().backward()

    assert scores.shape == (*batch.words.shape, len(model.language_model.tokenizer))
    assert not list(model.encoder.parameters())
    in_front = {"cross-attention": 0, "prefix": ENCODERS[encoder].tokens, "vector": 1}[connector]
    text = model.language_model.embed(batch.words).flatten(1, 2)
    assert model.connector(model.encoder(kept), text).shape[1] == in_front + text.shape[1]


def test_a_seed_draws_the_weights_and_the_callers_random_state_is_kept():
    before = torch.random.get_rng_state()
    first, again, other = (build_behind("cnn", "prefix", seed).state_dict() for seed in (0, 0, 1))

    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["language_model.words.weight"], other["language_model.words.weight"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("vgg", "prefix"), "no encoder 'vgg' in this experiment; expected one of cnn, vit"),
        (("cnn", "film"), "no connector 'film' in this experiment; expected one of cross-attention"),
    ],
)
def test_unknown_names_are_refused(names, message):
    with pytest.raises(ValueError, match=message):
        build_behind(*names, seed=0)


@pytest.fixture
def made(monkeypatch):
    """The cases that were made; their numbers are made up, and 2e-3 is best on the validation scenes."""
    cases = []

    def run_case(case, features):
        cases.append(case)
        share = 0.9 + 0.01 * case.seed
        run = {
            **dict(zip(("encoder", "connector", "seed"), case[:3], strict=True)),
            "pictures": case.batches * BATCH,
            "steps": case.recipe.steps,
            "learning_rate": case.recipe.learning_rate,
            "first_loss": 2.0,
            "loss": [9, case.recipe.learning_rate],
            "validation_loss": abs(case.recipe.learning_rate - 2e-3),
            **dict.fromkeys(("accuracy", "known", "picture_blind", "question_blind"), [share] * 6),
            "standard_error": [0.01] * 6,
            "seconds": 1.0,
        }
        return Result(run, {"weight": torch.full((1,), float(case.seed))})

    monkeypatch.setattr(recording, "run_case", run_case)
    monkeypatch.setattr(recording, "GUESSING", 400)
    return cases


@pytest.fixture
def recorder(tmp_path, monkeypatch, made):
    results = tmp_path / "results"
    monkeypatch.setattr(recording, "write_results", lambda name, content, folder: write_results(name, content, results))
    monkeypatch.setattr(Recorder.assemble, "__defaults__", (results, tmp_path / "checkpoints"))
    return Recorder(tmp_path / "runs", [CELLS])


def test_cells_go_on_seed_by_seed_after_their_pilots_and_nothing_is_made_twice(recorder, made, tmp_path):
    recorder.make()
    wanted = [case for cell in CELLS for case in cell.pilots()]
    wanted += [cell.seeds(2e-3)[number] for number in range(3) for cell in CELLS]
    assert made == wanted

    again = Recorder(tmp_path / "runs", [CELLS]).make()
    assert made == wanted
    assert load_results(tmp_path / "results").record == again.record
    assert again.record["missing"] == 0
    assert again.cells() == CELLS
    assert again.record["checkpoints"].keys() == {"vit/cross-attention"}


def test_a_record_of_a_part_says_so_and_its_unfinished_cells_cannot_be_read(recorder, made):
    for case in [*CELLS[0].pilots(), *CELLS[0].seeds(2e-3), *CELLS[1].pilots(), *CELLS[1].seeds(2e-3)[:2]]:
        recorder.runs.keep(case, make_run(case))
    results = recorder.assemble()

    assert results.record["missing"] == 1
    assert results.cells() == CELLS[:1]
    assert results.seeds("cnn", "prefix", "where").tolist() == [0.9, 0.91, 0.92]
    with pytest.raises(ValueError, match=r"vit × cross-attention does not have its three seeds; .* cnn × prefix"):
        results.runs("vit", "cross-attention")


def test_the_rate_is_chosen_on_validation_scenes_and_not_by_the_loss_of_learning(recorder, made):
    recorder.make()

    assert {case.recipe.learning_rate for case in made if case.recipe.steps > recording.PILOT.steps} == {2e-3}
    assert {case.recipe.learning_rate for case in made} == set(RATES)


def test_weights_are_kept_only_where_they_are_shipped(made):
    shipped, other = Cell("vit", "cross-attention").seeds(2e-3), Cell("vit", "prefix").seeds(2e-3)

    assert [bool(make_run(case).weights) for case in (*shipped, *other)] == [True, False, False, False, False, False]


def test_every_cell_stands_in_one_round_and_the_ones_that_carry_sentences_come_first():
    cells = [cell for cells in ROUNDS for cell in cells]

    assert len(cells) == len(set(cells))
    assert {cell.encoder for cell in cells} == set(ENCODERS)
    assert set(cells[:4]) == {Cell(encoder, way) for encoder in ("cnn", "vit") for way in ("cross-attention", "prefix")}


def test_a_margin_holds_what_other_seeds_and_other_scenes_would_change():
    runs = [
        {"encoder": "cnn", "connector": "prefix", "seed": seed, "accuracy": [value], "standard_error": [0.03]}
        for seed, value in enumerate((0.8, 0.9, 1.0))
    ]
    results = FrozenResults({"families": ["count"], "guessing": {"count": 0.25}, "runs": runs})

    assert results.margins("cnn", "prefix") == pytest.approx([np.hypot(4.303 * 0.1 / 3**0.5, 1.96 * 0.03)])
    for run in runs:
        run["accuracy"] = [0.9]
    assert results.margins("cnn", "prefix") == pytest.approx([1.96 * 0.03])


def test_the_command_prints_a_line_for_each_run(recorder, monkeypatch, capsys):
    monkeypatch.setattr(command, "Recorder", lambda folder, workers: recorder)
    command.main([])
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == 1 + 6
    assert "far relation" in lines[0]
    assert lines[1].startswith("cnn × prefix, 1400 steps at 0.002, seed 0")


def test_a_case_comes_back_from_its_run(recorder, made):
    record = recorder.make().record

    assert [recording.case_of(run, record) for run in record["runs"]] == [
        case for cell in CELLS for case in cell.seeds(2e-3)
    ]
    assert record["pictures"] == BATCHES * BATCH
