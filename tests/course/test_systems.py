import copy
import json
from importlib import resources

import pytest
import torch

from vlmteach.course.systems import LOCATOR, load_systems, read_systems

TABLE = load_systems()
PAIRS = [(row, column) for row in TABLE.rows for column in TABLE.columns]


def names(pair):
    return pair.key


@pytest.mark.parametrize("system", TABLE.systems, ids=lambda system: system.name)
def test_every_system_says_where_its_facts_can_be_checked(system):
    assert system.sources
    assert all(LOCATOR.match(source) for source in system.sources)
    assert system in TABLE.at(system.row, system.column)


def test_both_families_and_every_connector_have_real_systems():
    columns = {system.column for system in TABLE.systems}
    assert columns == {column.key for column in TABLE.columns}
    for family in ("cnn", "hybrid", "vit"):
        rows = {row.key for row in TABLE.rows if row.family == family}
        assert sum(system.row in rows for system in TABLE.systems) >= 3


def test_the_one_thing_of_the_lesson_is_in_the_table():
    """The prefix column holds CNN, hybrid and ViT systems: the connector did not ask."""
    prefix = {row.family for row in TABLE.rows if TABLE.at(row.key, "prefix")}
    assert prefix == {"cnn", "hybrid", "vit"}


@pytest.mark.parametrize(("row", "column"), PAIRS, ids=names)
def test_the_short_version_runs_in_ten_lines(row, column, capsys):
    if TABLE.refusal(row, column):
        with pytest.raises(ValueError, match="no neighbours"):
            TABLE.short_version(row, column)
        return
    code = TABLE.short_version(row, column)
    assert len(code.splitlines()) <= 10
    torch.manual_seed(0)
    variables = {}
    exec(code, variables)
    assert variables["out"].isfinite().all()
    assert (
        capsys.readouterr().out
        == f"{variables['visual'].tokens.shape[1]} visual tokens -> {tuple(variables['out'].shape)}\n"
    )


def test_a_refused_pair_would_indeed_raise():
    row = next(row for row in TABLE.rows if row.key == "cnn-regions")
    grid = next(row for row in TABLE.rows if row.key == "cnn-grid")
    joined = next(column for column in TABLE.columns if column.key == "joined")
    code = TABLE.short_version(grid, joined)
    code = code.replace(grid.code[0], "\n".join(row.code)).replace("encoder(image)", "encoder(image, boxes)")
    code = code.replace("import ConvNet", "import RegionEncoder, ConvNet")
    with pytest.raises(ValueError, match="the cells of one grid"):
        exec(code, {})


def test_the_connectors_code_is_the_same_in_a_whole_column():
    for column in TABLE.columns:
        for row in TABLE.rows:
            if not TABLE.refusal(row, column):
                assert "\n".join(column.code) in TABLE.short_version(row, column)


def test_the_view_holds_every_system_once():
    view = TABLE.as_view()
    shown = [system["name"] for line in view["cells"] for cell in line for system in cell["systems"]]
    assert sorted(shown) == sorted(system.name for system in TABLE.systems)
    json.dumps(view)


def data():
    text = (resources.files("vlmteach.course") / "systems.json").read_text(encoding="utf-8")
    return copy.deepcopy(json.loads(text))


@pytest.mark.parametrize(
    "source",
    [
        "2103.00020, abstract",
        "2103.00020, section 2.4",
        "2103.00020v1, figure 3",
        "openai/CLIP:clip/model.py",
        "a/b:c.py f",
    ],
)
def test_a_source_is_a_place_in_a_paper_or_a_file(source):
    table = data()
    table["systems"][0].update(sources=[source])
    assert read_systems(table).systems[0].sources == (source,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["systems"][0].update(sources=[]), "VQA baseline: no source"),
        (lambda d: d["systems"][0].update(sources=["a blog"]), "no locator"),
        (lambda d: d["systems"][0].update(sources=["2103.00020"]), "no locator"),
        (lambda d: d["systems"][0].pop("frozen"), r"missing \['frozen'\]"),
        (lambda d: d["systems"][0].update(colour="red"), r"unknown \['colour'\]"),
        (lambda d: d["systems"][0].update(encoder=" "), "encoder is empty"),
        (lambda d: d["systems"][0].update(arxiv="cs/123"), "no arXiv id"),
        (lambda d: d["systems"][0].update(year=15), "year is 15"),
        (lambda d: d["systems"][0].update(row="snn"), "no cell 'snn'"),
        (lambda d: d["systems"][0].update(sources=["2103.00020v, section 2"]), "no locator"),
        (lambda d: d["systems"][0].update(tokens=[]), r"tokens is \(\)"),
        (lambda d: d["systems"][0].update(tokens=[1, 2, 3]), "tokens is"),
        (lambda d: d["systems"][0].update(tokens=[0]), "tokens is"),
        (lambda d: d["systems"][0].update(tokens=[100, 10]), "tokens is"),
        (lambda d: d["systems"].append(d["systems"][0]), "VQA baseline stands in the table twice"),
        (lambda d: d["rows"][0].update(family="rnn"), "family 'rnn'"),
    ],
)
def test_an_incomplete_entry_is_refused_by_name(change, words):
    broken = data()
    change(broken)
    with pytest.raises(ValueError, match=words):
        read_systems(broken)


# the system's name in this table -> its name among the real ones, and sizes of pictures with the fewest and most tokens
OPENED = {
    "LLaVA-1.5": ("llava_1_5_7b", [(336, 336)]),
    "PaliGemma": ("paligemma_3b_896", [(896, 896)]),
    "FastVLM": ("fastvlm_7b", [(1024, 1024)]),
    "BLIP-2": ("blip2_opt_2_7b", [(224, 224)]),
    "Pixtral 12B": ("pixtral_12b", [(1024, 1024)]),
    "Llama 3.2 11B Vision": ("llama_3_2_11b_vision", [(448, 448), (896, 896)]),
    "InternVL3 1B": ("internvl3_1b", [(448, 448), (1344, 1792)]),
    "Qwen2.5-VL 3B": ("qwen2_5_vl_3b", [(56, 56)]),
    "Gemma 3 4B": ("gemma_3_4b", [(896, 896)]),
    "SmolVLM2 500M": ("smolvlm2_500m", [(128, 2048), (2048, 2048)]),
}


@pytest.mark.parametrize("name", OPENED)
def test_the_number_of_tokens_is_what_the_opened_system_makes(name):
    pytest.importorskip("transformers")
    from vlmteach.backbones import open_vlm

    (system,) = [system for system in TABLE.systems if system.name == name]
    real, sizes = OPENED[name]
    counted = {open_vlm(real, "tiny").tokens(*size) for size in sizes}
    assert counted <= set(system.tokens)
    assert len(counted) == len(sizes)


def test_the_table_goes_on_to_the_year_of_the_newest_system_that_is_opened():
    from vlmteach.backbones import REAL_VLMS

    assert max(system.year for system in TABLE.systems) >= max(about.year for about in REAL_VLMS.values())
