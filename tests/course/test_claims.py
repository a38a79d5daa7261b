import html
import json
import re
import shutil

import numpy as np
import pytest
import torch

from vlmteach.course import claims as module
from vlmteach.course.claims import load_claims, load_ledger
from vlmteach.course.counter_evidence import caveats, load_published, source_of_prices
from vlmteach.course.measured import CLAIMS as MEASURED
from vlmteach.course.measured import at_least, at_most
from vlmteach.course.records import interval_in_words, load_records, seeds_in_words, share_in_words, steps_in_words
from vlmteach.course.systems import LOCATOR
from vlmteach.course.terms import TERMS, glossary
from vlmteach.experiments.frozen import FrozenResults
from vlmteach.experiments.recording import RESULTS

CLAIMS = load_claims()
EACH = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
LEDGER = load_ledger()
NAMES = re.compile(r"RN50x64|ViT-L/14|ViT-bigG/14|LAION-2B|LLaVA-1.5")


@pytest.fixture
def folder(tmp_path):
    """The records, to be changed."""
    for file in RESULTS.glob("*.json"):
        shutil.copy(file, tmp_path)
    return tmp_path


def change(folder, name, edit):
    record = json.loads((folder / f"{name}.json").read_text())
    edit(record)
    (folder / f"{name}.json").write_text(json.dumps(record))


def test_the_claims_are_those_of_the_article_in_its_order():
    assert [claim.key for claim in CLAIMS] == [
        *("grid", "local", "regions", "direct", "only", "seamless", "cross", "mainstream", "unsaid")
    ]
    assert list(MEASURED) == [claim.key for claim in CLAIMS]


@EACH
def test_a_claim_has_all_its_parts(claim):
    measured = claim.measure(LEDGER.records)

    if claim.key == "unsaid":  # the article has no sentence about what it leaves out
        assert claim.japanese == claim.english == ""
    else:
        assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", claim.japanese)
        assert claim.japanese.endswith("。")
        assert claim.english
        assert not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", claim.english)
    assert measured.sentences
    assert measured.facts
    assert claim.cited
    assert claim.because
    assert claim.change


@EACH
def test_what_is_cited_can_be_looked_up(claim):
    assert [cited.source for cited in claim.cited if not LOCATOR.match(cited.source)] == []


@EACH
def test_a_verdict_types_no_measured_number(claim):
    assert not re.search(r"\d", NAMES.sub("", claim.because).replace("2018 to 2020", "").replace("2021", ""))
    assert not re.search(r"\d", claim.change)


@EACH
def test_a_claim_is_shown_whole(claim):
    page = LEDGER.claim(claim.key).to_html()

    assert claim.japanese in page
    assert claim.verdict in page
    assert all(html.escape(sentence) in page for sentence in claim.measure(LEDGER.records).sentences)


def worse(record):
    """Another record of the same form: every accuracy, step count and cost moved."""
    for run in record["runs"]:
        for key in ("accuracy", "learning"):
            if key in run:
                run[key] = (0.9 - 0.5 * np.array(run[key])).tolist()
        if "right" in run:
            run["right"] = [[int(count * 0.6) for count in row] for row in run["right"]]


@EACH
def test_another_record_makes_other_sentences(claim, folder):
    for name in ("matrix", "hunger", "cliff", "frozen"):
        change(folder, name, worse)
    change(
        folder,
        "cost",
        lambda record: [
            run.update(flops=3 * run["flops"] + run["side"] ** 4, tokens=run["tokens"] + 7)
            for kind in ("encoder_runs", "connector_runs")
            for run in record[kind]
        ],
    )
    assert claim.measure(load_records(folder)).sentences != claim.measure(LEDGER.records).sentences


def test_one_number_of_a_record_is_one_number_of_the_page(folder):
    def edit(record):
        family = record["families"].index("where")
        for run in record["runs"]:
            if (run["encoder"], run["connector"]) == ("cnn-small", "prefix"):
                run["accuracy"][family] = 0.123

    before = load_ledger(folder).claim("regions").to_html()
    change(folder, "matrix", edit)
    after = load_ledger(folder).claim("regions").to_html()

    assert "0.12 (3 seeds)" in after
    assert "0.12" not in before


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [
        ([0.93], "0.93 (one seed)"),
        ([1.0, 0.999, 0.998], "1.00 (3 seeds)"),
        ([0.72, 0.92, 1.0], "0.88 (seeds 0.72, 0.92, 1.00)"),
    ],
)
def test_an_accuracy_is_quoted_with_the_seeds_behind_it(accuracy, words):
    assert seeds_in_words(np.array(accuracy)) == words


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([600, 850, 1350], "steps to 95%, of 4,000: 600, 850, 1,350"),
        ([np.nan, 350], "steps to 95%, of 4,000: never, 350"),
        ([np.nan, np.nan], "not 95% within 4,000 steps"),
    ],
)
def test_the_steps_to_the_level_are_quoted_seed_by_seed(steps, words):
    assert steps_in_words(np.array(steps), 4000) == words


@pytest.mark.parametrize(
    ("hits", "count", "words"),
    [
        (0, 100, "0.00 (0.00 to 0.04)"),
        (50, 100, "0.50 (0.40 to 0.60)"),
        (100, 100, "1.00 (0.96 to 1.00)"),
        (1, 1, "1.00 (0.21 to 1.00)"),
        (torch.tensor(3), 4000, "0.00 (0.00 to 0.00)"),
    ],
)
def test_a_share_is_quoted_with_its_interval(hits, count, words):
    assert share_in_words(hits, count) == words


@pytest.mark.parametrize(("hits", "count"), [(7, 50), (90, 200), (3, 30)])
def test_at_the_ends_of_the_interval_what_was_found_is_two_standard_errors_off(hits, count):
    low, high = map(float, re.findall(r"[01]\.\d\d", share_in_words(hits, count))[1:])
    for end in (low, high):
        error = (end * (1 - end) / count) ** 0.5
        assert abs(hits / count - end) == pytest.approx(1.96 * error, abs=0.011)


@pytest.mark.parametrize(("hits", "count"), [(-1, 5), (6, 5), (0, 0)])
def test_a_share_of_nothing_or_of_too_few_is_refused(hits, count):
    with pytest.raises(ValueError, match=f"{hits} hits among {count} cases"):
        share_in_words(hits, count)


def test_a_frozen_eye_is_quoted_with_the_interval_around_its_mean():
    runs = [
        {"encoder": "cnn", "connector": "prefix", "seed": seed, "accuracy": [0.5, value], "standard_error": [0, 0.01]}
        for seed, value in enumerate((0.9, 0.91, 0.92))
    ]
    results = FrozenResults({"families": ["count", "where"], "guessing": {}, "runs": runs})

    assert interval_in_words(results, "cnn", "prefix", "where") == "0.91 ± 0.03"
    assert interval_in_words(results, "cnn", "prefix", "count") == "0.50 ± 0.00"


def test_what_real_networks_reach_is_said_of_those_that_had_learned_from_photographs():
    said = load_ledger().claim("local").to_html()

    assert "EfficientNet-Lite0, frozen" in said
    assert "never trained" not in said


def test_a_verdict_that_the_record_no_longer_bears_out_says_so(folder):
    def edit(record):
        for run in record["runs"]:
            if (run["encoder"], run["connector"]) == ("cnn-small", "cross-attention"):
                run["accuracy"] = [0.5] * 6

    change(folder, "matrix", edit)
    changed = load_ledger(folder)

    assert "local: read by cross-attention it answers them" in changed.unsupported()
    assert "The record no longer bears it out: " in changed.all().to_html()


@pytest.mark.parametrize("way", ["vector", "attention-pool"])
def test_one_seed_that_relates_far_things_from_one_vector_is_counted_and_a_fact_falls(folder, way):
    def edit(record):
        (run,) = (
            run
            for run in record["runs"]
            if (run["encoder"], run["connector"], run["positions"], run["seed"]) == ("vit", way, True, 2)
        )
        run["accuracy"][record["families"].index("far relation")] = 0.6

    change(folder, "matrix", edit)
    changed = load_ledger(folder)

    assert "1 of 30 seeds above a guess with luck" in changed.claim("grid").to_html()
    assert changed.unsupported() == ["grid: no seed with one vector relates far things, within these steps"]


def test_the_seeds_that_come_to_the_level_are_counted_for_each_way_of_reading():
    record = LEDGER.records.matrix.record
    far = record["families"].index("far relation")
    seeds = [(run["connector"], run["accuracy"][far]) for run in record["runs"] if run["positions"]]
    prefix, deeper, crossed = (
        sum(share >= record["level"] for way, share in seeds if way == asked)
        for asked in ("prefix", "deep-prefix", "cross-attention")
    )

    assert prefix < deeper < crossed
    assert (
        f"Of 15 seeds behind five encoders {prefix} come to 95% by prefix, {deeper} with that layer added, "
        f"{crossed} by cross-attention."
    ) in LEDGER.claim("cross").to_html()


def test_the_recorded_experiments_bear_out_every_verdict():
    assert LEDGER.unsupported() == []


@pytest.mark.parametrize(
    ("fact", "holds", "told"),
    [
        (at_least("far", 0.9, 0.9), True, "0.90, should be at least 0.90"),
        (at_least("far", 0.89, 0.9), False, "0.89, should be at least 0.90"),
        (at_most("far", 1234.5, 0.9), False, "1,234.50, should be at most 0.90"),
        (at_most("far", 0.9, 0.9), True, "0.90, should be at most 0.90"),
    ],
)
def test_a_fact_compares_a_measured_value_with_its_bound(fact, holds, told):
    assert (fact.holds, fact.told) == (holds, told)


def test_an_unknown_claim_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="there is no claim 'locality'; expected one of grid, local"):
        LEDGER.claim("locality")


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("verdict", "wrong", "the verdict 'wrong'"),
        ("key", "x", "nothing is measured for claim 'x'; expected one of grid"),
    ],
)
def test_a_claim_with_an_unknown_verdict_or_key_is_refused(part, value, message):
    entry = {"key": "grid", "title": "x", "japanese": "x", "english": "x", "cited": [], "verdict": "historical"}
    entry |= {"because": "x", "change": "x"} | {part: value}
    with pytest.raises(ValueError, match=message):
        module._claim(entry)


def test_published_rows_are_complete_and_carry_their_caveats():
    rows = load_published()

    assert {row.family for row in rows} == {"cnn", "vit"}
    assert {row.data for row in rows} == {"OpenAI", "LAION-2B", "DataComp"}
    assert [row.model for row in rows if row.soup] == ["ConvNeXt-L avg.", "ConvNeXt-XXL avg."]
    assert all(5 < row.gflops < 1000 and 50 < row.accuracy < 90 and row.side >= 224 for row in rows)
    assert len({(row.model, row.data) for row in rows}) == len(rows)
    assert len(caveats()) >= 3
    assert source_of_prices().startswith("mlfoundations/open_clip:")


def test_the_glossary_has_each_term_once_in_both_languages():
    english, japanese, meanings = zip(*TERMS, strict=True)

    assert len(set(english)) == len(set(japanese)) == len(TERMS)
    assert all(re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", term) for term in japanese)
    assert all(meanings)
    assert 'lang="ja"' in glossary().to_html()
