"""Recording the matrix, with short runs or made-up ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vlmteach.experiments.matrix import __main__ as command
from vlmteach.experiments.matrix import load_results, models
from vlmteach.experiments.matrix import record as recording
from vlmteach.experiments.matrix import run as making
from vlmteach.experiments.matrix.models import MATRIX_CONNECTORS, MATRIX_ENCODERS
from vlmteach.experiments.matrix.record import LONGER, RATES, Cell, Recorder, make_run
from vlmteach.experiments.matrix.run import Case, run_case
from vlmteach.experiments.matrix.train import HELD_OUT, RECIPE, AnswerLoss, held_out_questions, scene_batches
from vlmteach.experiments.result import Result
from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, make_batch
from vlmteach.training import Recipe, load_checkpoint, save_checkpoint

SHORT = Recipe(steps=20, warmup=5)
CASE = Case("cnn-small", "vector", False, 0, SHORT)
ATTENTION, VECTOR, BARE = (
    Cell("vit", "cross-attention"),
    Cell("cnn-small", "vector"),
    Cell("cnn-small", "vector", False),
)


def make_small(monkeypatch):
    """Everything as it is recorded, with fewer pictures and steps."""
    monkeypatch.setattr(making, "scene_batches", lambda seed: scene_batches(seed, count=4))
    monkeypatch.setattr(making, "TESTED", 64)
    monkeypatch.setattr(making, "WINDOW", 10)
    monkeypatch.setattr(recording, "GUESSING", 400)


@pytest.fixture
def small(monkeypatch):
    make_small(monkeypatch)


@pytest.fixture(scope="module")
def result():
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch)
        return run_case(CASE)


@pytest.fixture
def made(monkeypatch):
    """The cases that were made; their numbers are made up: 1e-3 learns fastest, a mean vector learns no attributes."""
    cases = []

    def run_case(case):
        cases.append(case)
        attributes = 0.5 if case.connector == "vector" and case.recipe.steps < LONGER * RECIPE.steps else 1.0
        run = {
            **dict(zip(("encoder", "connector", "positions", "seed"), case[:4], strict=True)),
            "steps": case.recipe.steps,
            "learning_rate": case.recipe.learning_rate,
            "first_loss": 2.0,
            "loss": [9, abs(case.recipe.learning_rate - 1e-3)],
            "learning": [[0.5] * 6],
            "accuracy": [attributes, *[0.5] * 5],
            "seconds": 1.0,
        }
        return Result(run, {"weight": torch.full((1,), float(case.seed))})

    monkeypatch.setattr(recording, "run_case", run_case)
    monkeypatch.setattr(recording, "GUESSING", 400)
    return cases


def test_a_run_holds_what_the_record_needs(result):
    run = result.run

    assert {key: run[key] for key in ("encoder", "connector", "positions", "seed", "steps", "learning_rate")} == {
        "encoder": "cnn-small",
        "connector": "vector",
        "positions": False,
        "seed": 0,
        "steps": 20,
        "learning_rate": 2e-3,
    }
    assert len(run["accuracy"]) == len(run["picture_blind"]) == len(run["question_blind"]) == len(QUESTION_FAMILIES)
    assert 0 <= run["held_out"] <= 1
    assert len(run["loss"]) == 2
    assert np.shape(run["learning"]) == (2, 6)
    assert run["steps_to_level"] == [None] * 6
    assert 1 < run["first_loss"] < 4


def test_a_run_is_repeatable(result, small):
    again = run_case(CASE)

    assert {**again.run, "seconds": 0} == {**result.run, "seconds": 0}
    assert all(torch.equal(again.weights[name], tensor) for name, tensor in result.weights.items())


def test_a_run_is_tested_whole_with_either_side_hidden_and_on_pairs_never_seen(monkeypatch, small):
    asked = []
    monkeypatch.setattr(making, "right_answers", lambda model, batch: asked.append(batch) or batch.answers > 0)
    making.test(torch.nn.Identity())
    plain, no_picture, no_question, unseen = asked

    assert not held_out_questions(plain).any()
    assert torch.equal(plain.pictures, make_batch(64, 1_000_000, pairs=~HELD_OUT).pictures)
    assert all(torch.equal(a, b) for a, b in zip(plain[1:], no_picture[1:], strict=True))
    twin = torch.cat([plain.pictures[part] for part in (slice(16, 32), slice(16), slice(48, 64), slice(32, 48))])
    for others in (plain.pictures, twin):  # nobody is shown its own picture, nor its counterfactual
        assert (no_picture.pictures != others).flatten(1).any(dim=1).all()
    assert torch.equal(no_question.pictures, plain.pictures)
    assert torch.equal(no_question.answers, plain.answers)
    assert (no_question.words != plain.words).any(dim=2).double().mean() > 0.5
    assert held_out_questions(unseen).any()


def test_a_stopped_run_is_no_result(monkeypatch, small):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(AnswerLoss, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        run_case(CASE)


@pytest.mark.parametrize(
    ("case", "keeps"),
    [
        (ATTENTION.seeds(1e-3)[0], True),
        (ATTENTION.seeds(1e-3, LONGER)[0], True),
        (ATTENTION.seeds(1e-3)[1], False),
        (ATTENTION.pilots()[0], False),
        (VECTOR.seeds(1e-3)[0], False),
        (BARE.seeds(1e-3)[0], True),
    ],
)
def test_weights_are_kept_only_where_they_may_be_shipped(made, case, keeps):
    assert bool(make_run(case).weights) is keeps


def test_a_cell_is_finished_before_the_next_one_begins(tmp_path, made):
    Recorder(tmp_path, [ATTENTION, VECTOR], {BARE: VECTOR}).make()
    wanted = [
        *ATTENTION.pilots(),
        *ATTENTION.seeds(1e-3),
        *VECTOR.pilots(),
        *VECTOR.seeds(1e-3),
        *VECTOR.seeds(1e-3, LONGER),  # its attributes stayed below the level
        *BARE.seeds(1e-3),  # a control: no pilots of its own, never longer
    ]

    assert made == wanted


def test_only_what_is_missing_is_made(tmp_path, made):
    Recorder(tmp_path, [ATTENTION], {}).make()
    (tmp_path / f"{ATTENTION.seeds(1e-3)[1].name}.json").unlink()
    made.clear()
    Recorder(tmp_path, [ATTENTION, VECTOR], {}).make()

    assert made[0] == ATTENTION.seeds(1e-3)[1]
    assert {case.connector for case in made[1:]} == {"vector"}


def test_progress_counts_what_is_there_and_what_is_known_to_come(tmp_path, made):
    recorder = Recorder(tmp_path, [ATTENTION, VECTOR], {BARE: VECTOR})
    pilots, seeds = len(RATES), 3
    assert recorder.progress() == (0, 2 * pilots + 3 * seeds)

    Recorder(tmp_path, [ATTENTION], {}).make()
    assert recorder.progress() == (pilots + seeds, 2 * pilots + 3 * seeds)
    recorder.make()
    assert recorder.progress() == (len(made), len(made)) == (2 * pilots + 4 * seeds,) * 2


def test_a_record_is_put_together_from_finished_runs(tmp_path, made, monkeypatch):
    monkeypatch.setattr(recording, "WAYS", ("cross-attention", "vector"))
    recorder = Recorder(tmp_path / "runs", [ATTENTION, VECTOR], {BARE: VECTOR})
    recorder.make()
    written = recorder.assemble(tmp_path, tmp_path)
    record = written.record

    assert load_results(tmp_path).record == record
    assert [(run["encoder"], run["steps"], run["positions"], run["seed"]) for run in record["runs"]] == [
        *(("vit", 2000, True, seed) for seed in (0, 1, 2)),
        *(("cnn-small", 4000, True, seed) for seed in (0, 1, 2)),
        *(("cnn-small", 2000, False, seed) for seed in (0, 1, 2)),
    ]
    assert [(run["connector"], run["steps"]) for run in record["shorter"]] == [("vector", 2000)] * 3
    assert [(run["connector"], run["learning_rate"]) for run in record["pilots"]] == [
        (way, rate) for way in ("cross-attention", "vector") for rate in RATES
    ]
    assert {run["learning_rate"] for run in record["runs"]} == {1e-3}
    assert "learning" not in record["pilots"][0]
    assert Recipe(**record["recipe"]) == RECIPE
    assert (record["rates"], record["pilot_steps"]) == (list(RATES), 600)
    assert list(record["guessing"]) == written.families == list(QUESTION_FAMILIES)
    assert record["guessing"]["near relation"] == 0.5
    assert {"python", "torch", "numpy", "vlmteach", "cpu"} <= record["versions"].keys()
    assert record["code"] == recorder.runs.code
    assert record["stamps"] == []
    assert written.parameters("vit-bag") == sum(p.numel() for p in MATRIX_ENCODERS["vit-bag"].build().parameters())
    assert written.encoder_title("vit") == "ViT"
    assert written.connector_title("vector") == MATRIX_CONNECTORS["vector"].title
    assert record["attention_layers"] == {"cross-attention": 3, "vector": 2}
    assert list(record["checkpoints"]) == ["vit/cross-attention", "cnn-small/vector"]
    shipped = record["checkpoints"]["cnn-small/vector"]
    checkpoint = load_checkpoint(tmp_path / shipped["file"], sha256=shipped["sha256"])
    assert checkpoint.tensors["weight"].item() == 0
    assert shipped["positions"] is False


def test_a_record_with_a_run_missing_is_not_written(tmp_path, made):
    recorder = Recorder(tmp_path / "runs", [ATTENTION], {})
    with pytest.raises(ValueError, match=r"not finished: vit-cross-attention-600-0\.0005-0, .*Run the command again"):
        recorder.assemble(tmp_path, tmp_path)

    recorder.make()
    (tmp_path / "runs" / f"{ATTENTION.seeds(1e-3)[2].name}.json").unlink()
    with pytest.raises(ValueError, match=r"not finished: vit-cross-attention-2000-0\.001-2\. Run the command again"):
        recorder.assemble(tmp_path, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_weights_that_are_shipped_already_need_not_be_in_the_folder(tmp_path, made, monkeypatch):
    monkeypatch.setattr(recording, "WAYS", ("cross-attention",))
    recorder = Recorder(tmp_path / "runs", [ATTENTION], {})
    recorder.make()
    first = recorder.assemble(tmp_path, tmp_path).record["checkpoints"]
    weights = tmp_path / "runs" / f"{ATTENTION.seeds(1e-3)[0].name}.safetensors"
    weights.unlink()
    assert recorder.assemble(tmp_path, tmp_path).record["checkpoints"] == first

    shipped = tmp_path / "matrix-vit-cross-attention.safetensors"
    save_checkpoint(shipped, load_checkpoint(shipped).tensors, {"experiment": "another"})
    with pytest.raises(FileNotFoundError, match=r"vit-cross-attention-2000-0\.001-0 are not in .*Delete vit-cross-att"):
        recorder.assemble(tmp_path, tmp_path)


def test_the_command_makes_the_matrix_and_prints_every_run(tmp_path, made, monkeypatch, capsys):
    def recorder(folder, workers=1, new=Recorder):
        return new(folder, [ATTENTION], {BARE: VECTOR}, workers)

    monkeypatch.setattr(recording, "Recorder", recorder)
    monkeypatch.setattr(recording, "WAYS", ("cross-attention",))
    monkeypatch.setattr(recording, "RESULTS", tmp_path)
    assemble = Recorder.assemble
    monkeypatch.setattr(Recorder, "assemble", lambda self: assemble(self, tmp_path, tmp_path))
    command.main(["--folder", str(tmp_path / "runs")])
    printed = capsys.readouterr().out.splitlines()

    assert printed[0] == "0 of 14 runs are there; now vit × cross-attention"
    assert printed[1] == "7 of 14 runs are there; now cnn-small × vector, no positions"
    assert printed[2].endswith("count          where  near relation   far relation       same far")
    assert printed[3].startswith("vit × cross-attention, 2000 steps at 0.001, seed 0   ")
    assert printed[3].split()[-6:] == ["1.00", *["0.50"] * 5]
    assert len(printed) == 3 + 6


def test_a_deep_prefix_has_as_many_numbers_and_layers_of_attention_as_cross_attention():
    numbers = {way: recording.connector_parameters(way) for way in ("prefix", "deep-prefix", "cross-attention")}
    layers = {way: recording.attention_layers(way) for way in ("prefix", "deep-prefix", "cross-attention")}

    assert numbers == {"prefix": 8_576, "deep-prefix": 25_344, "cross-attention": 25_344}
    assert layers == {"prefix": 2, "deep-prefix": 3, "cross-attention": 3}


def test_what_is_numbered_behind_the_encoder_is_all_that_differs_between_two_connectors():
    total = {
        way: sum(p.numel() for p in models.build_vlm("vit", way, True, 0).parameters()) for way in MATRIX_CONNECTORS
    }

    assert {way: total[way] - total["prefix"] for way in total} == {
        way: recording.connector_parameters(way) - recording.connector_parameters("prefix") for way in total
    }


def test_the_layer_of_a_deep_prefix_starts_as_cross_attention_does():
    deep, cross = (models.build_vlm("vit", way, True, 0) for way in ("deep-prefix", "cross-attention"))
    layer, other = deep.language_model.blocks[0].attend, cross.connector.meeting.attend
    spread = [tensor.std().item() for tensor in layer.qkv.weight.chunk(3)]

    assert len(deep.language_model.blocks) == 1 + len(cross.language_model.blocks)
    assert spread == pytest.approx([part.weight.std().item() for part in (other.q, other.k, other.v)], rel=0.05)


def test_replaced_recipes_make_another_run(tmp_path, result):
    recorder = Recorder(tmp_path)
    recorder.runs.keep(CASE, result)
    longer = CASE._replace(recipe=replace(SHORT, warmup=6))

    assert longer.name == CASE.name
    assert recorder.runs.finished(CASE) is not None
    assert recorder.runs.finished(longer) is None
