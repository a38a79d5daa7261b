import json
import re
import shutil

import numpy as np
import pytest

from vlmteach.course import claims as module
from vlmteach.course.claims import Fact, load_claims, load_ledger
from vlmteach.course.counter_evidence import caveats, load_published, source
from vlmteach.course.evidence import ADDRESS
from vlmteach.course.glossary import TERMS, glossary
from vlmteach.course.systems import LOCATOR
from vlmteach.experiments.recording import RESULTS

CLAIMS = load_claims()
EACH = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
LEDGER = load_ledger()
NAMES = re.compile(r"RN50x64|ViT-L/14|ConvNeXt-L|LAION-2B")


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
        *("grid", "local", "regions", "direct", "only", "seamless", "cross", "mainstream")
    ]


@EACH
def test_a_claim_has_all_its_parts(claim):
    assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", claim.japanese)
    assert claim.japanese.endswith("。")
    assert not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", claim.english)
    assert claim.measured
    assert claim.rests
    assert claim.cited
    assert claim.because
    assert claim.change


@EACH
def test_what_is_cited_can_be_looked_up(claim):
    assert [cited.source for cited in claim.cited if not LOCATOR.match(cited.source)] == []


@EACH
def test_no_measured_sentence_holds_a_number_that_is_not_part_of_an_address(claim):
    for sentence in claim.measured:
        settings = {part.strip() for _, rest in ADDRESS.findall(sentence) for part in rest.split(",")}
        typed = re.findall(r"\d[\d,.]*\d|\d", NAMES.sub("", ADDRESS.sub("", sentence)))
        assert [number for number in typed if number.replace(",", "") not in settings] == []
    assert not re.search(r"\d", claim.because.replace("2018 to 2020", "").replace("2021", ""))
    assert not re.search(r"\d", claim.change)


@EACH
def test_a_claim_is_shown_with_every_address_filled(claim):
    page = LEDGER.claim(claim.key).to_html()

    assert not ADDRESS.search(page)
    assert claim.japanese in page
    assert claim.verdict in page


def worse(record):
    """Another record of the same form: every accuracy, step count and cost moved."""
    for run in record["runs"]:
        for key in ("accuracy", "learning"):
            if key in run:
                run[key] = (0.9 - 0.5 * np.array(run[key])).tolist()
        if "right" in run:
            run["right"] = [[int(count * 0.6) for count in row] for row in run["right"]]


@EACH
def test_another_record_makes_another_page(claim, folder):
    for name in ("matrix", "hunger", "cliff"):
        change(folder, name, worse)
    change(
        folder,
        "cost",
        lambda record: [
            run.update(flops=3 * run["flops"] + run["side"] ** 3, tokens=run["tokens"] + 7)
            for kind in ("encoder_runs", "connector_runs")
            for run in record[kind]
        ],
    )
    assert load_ledger(folder).claim(claim.key).to_html() != LEDGER.claim(claim.key).to_html()


def test_one_number_of_a_record_is_one_number_of_the_page(folder):
    def edit(record):
        family = record["families"].index("where")
        for run in record["runs"]:
            if (run["encoder"], run["connector"]) == ("cnn-small", "prefix"):
                run["accuracy"][family] = 0.123

    change(folder, "matrix", edit)
    before, after = (
        ledger.evidence.fill("{accuracy: cnn-small, prefix, where}") for ledger in (LEDGER, load_ledger(folder))
    )

    assert after.startswith("0.12 (3 seeds, sd 0.00")
    assert before != after
    assert after in load_ledger(folder).claim("regions").to_html()


def test_a_verdict_that_the_record_no_longer_bears_out_says_so(folder):
    def edit(record):
        for run in record["runs"]:
            if (run["encoder"], run["connector"]) == ("cnn-small", "cross-attention"):
                run["accuracy"] = [0.5] * 6

    change(folder, "matrix", edit)
    changed = load_ledger(folder)

    assert "local: read by cross-attention it answers them" in changed.unsupported()
    assert "The record no longer bears it out: " in changed.all().to_html()


def test_the_recorded_experiments_bear_out_every_verdict():
    assert LEDGER.unsupported() == []


@pytest.mark.parametrize(
    ("relation", "right", "holds"), [(">=", 0.9, True), ("<=", 0.9, False), ("<=", "cliff: vit-1, 1", True)]
)
def test_a_fact_compares_with_a_number_or_with_another_address(relation, right, holds):
    fact = Fact("far is as easy as near", "cliff: vit-1, 7", relation, right)

    assert fact.check(LEDGER.evidence)["holds"] is holds


def test_an_unknown_claim_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="there is no claim 'locality'; expected one of grid, local"):
        LEDGER.claim("locality")


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [("verdict", "wrong", "the verdict 'wrong'"), ("relation", "==", r"relation \['=='\]")],
)
def test_a_claim_with_an_unknown_verdict_or_relation_is_refused(part, value, message):
    entry = {
        "key": "x",
        "title": "x",
        "japanese": "x",
        "english": "x",
        "measured": [],
        "cited": [],
        "verdict": "historical",
    }
    entry |= {"because": "x", "change": "x", "rests": [{"says": "x", "left": "x", "relation": ">=", "right": 1}]}
    if part == "verdict":
        entry[part] = value
    else:
        entry["rests"][0][part] = value
    with pytest.raises(ValueError, match=message):
        module._claim(entry)


def test_published_rows_are_complete_and_carry_their_caveats():
    rows = load_published()

    assert {row.family for row in rows} == {"cnn", "vit"}
    assert {row.data for row in rows} == {"OpenAI", "LAION-2B"}
    assert all(5 < row.gflops < 1000 and 50 < row.accuracy < 90 and row.side >= 224 for row in rows)
    assert len({(row.model, row.data) for row in rows}) == len(rows)
    assert len(caveats()) >= 3
    assert source().startswith("mlfoundations/open_clip:")


def test_the_glossary_has_each_term_once_in_both_languages():
    english, japanese, meanings = zip(*TERMS, strict=True)

    assert len(set(english)) == len(set(japanese)) == len(TERMS)
    assert all(re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", term) for term in japanese)
    assert all(meanings)
    assert 'lang="ja"' in glossary().to_html()
