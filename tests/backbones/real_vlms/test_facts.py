import copy
import json
from importlib import resources

import pytest

from vlmteach.backbones.real_vlms.facts import load_real_vlms, read_real_vlms

KNOWN = load_real_vlms()


def data():
    return json.loads((resources.files("vlmteach.backbones.real_vlms") / "facts.json").read_text(encoding="utf-8"))


def test_at_least_ten_systems_are_known_and_each_value_has_a_file():
    assert len(KNOWN) >= 10
    for about in KNOWN.values():
        assert about.values
        assert set(about.values) == set(about.sources)
        assert all(source.file for source in about.sources.values())


def test_a_source_is_a_repository_of_github_or_a_model_of_the_hub():
    repositories = {source.repository for about in KNOWN.values() for source in about.sources.values()}
    hub = {name for name in repositories if name.startswith("huggingface.co/")}
    assert all(name.count("/") == 2 for name in hub)
    assert all(name.count("/") == 1 for name in repositories - hub)


def test_values_are_nested_as_the_library_takes_them():
    options = KNOWN["llava_1_5_7b"].options("config")
    assert options["vision_config"]["image_size"] == 336
    assert options["image_token_index"] == 32000
    assert KNOWN["llava_1_5_7b"].options("image_processor")["crop_size"] == {"height": 336, "width": 336}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["fuyu_8b"].pop("tiling"), r"fuyu_8b: missing \['tiling'\]"),
        (lambda d: d["fuyu_8b"].update(colour=1), r"unknown \['colour'\]"),
        (lambda d: d["fuyu_8b"]["facts"][0].update(file=""), "no place to look"),
        (lambda d: d["fuyu_8b"]["facts"][0].update(repository="a blog"), "'a blog'.* is no place to look"),
        (lambda d: d["fuyu_8b"]["facts"][0].update(repository="huggingface.co/x"), "no place to look"),
        (lambda d: d["fuyu_8b"]["facts"][0]["values"].update({"patch": 3}), "'patch' is for nothing"),
        (lambda d: d["fuyu_8b"]["facts"][1]["values"].update({"config.patch_size": 3}), "stands in two files"),
        (lambda d: d["fastvlm_7b"]["published"][0].pop("file"), "no place to look"),
    ],
)
def test_an_incomplete_entry_is_refused_by_name(change, words):
    broken = copy.deepcopy(data())
    change(broken)
    with pytest.raises(ValueError, match=words):
        read_real_vlms(broken)
