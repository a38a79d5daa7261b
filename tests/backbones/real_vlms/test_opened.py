"""Real systems from the library's own classes: what a person asks of them, and how they are refused."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.random_weights import largest_difference

pytest.importorskip("transformers")

from support.real_vlms import opened

from vlmteach.backbones.real_vlms import OLDEST, REAL_VLMS, TransformersMissing, open_vlm
from vlmteach.backbones.real_vlms import build as building
from vlmteach.backbones.real_vlms.build import build_config, build_image_processor

# name -> millions of parameters in encoder, connector and language model; tokens at 336 x 336, 896 x 896, 1650 x 1275
MEASURED = {
    "llava_1_5_7b": ((303.5, 21.0, 6738.9), (576, 576, 576)),
    "pixtral_12b": ((403.5, 31.5, 12247.8), (441, 3136, 3200)),
    "paligemma_3b_896": ((416.9, 2.4, 2508.7), (4096, 4096, 4096)),
    "smolvlm2_500m": ((86.4, 11.8, 409.3), (1088, 1088, 1088)),
    "fastvlm_7b": ((122.7, 23.9, 7616.1), (256, 256, 256)),
    "blip2_opt_2_7b": ((986.0, 107.1, 2651.7), (32, 32, 32)),
    "internvl3_1b": ((304.0, 4.5, 629.7), (256, 1280, 3328)),
    "qwen2_5_vl_3b": ((632.0, 36.7, 3085.9), (144, 1024, 2714)),
    "llama_3_2_11b_vision": ((836.3, 31.5, 9775.2), (1025, 4100, 4100)),
    "gemma_3_4b": ((416.9, 3.0, 3880.1), (256, 256, 256)),
    "fuyu_8b": ((0.0, 11.1, 9397.2), (144, 900, 1008)),
    "chameleon_7b": ((0.0, 29.4, 7013.7), (1024, 1024, 1024)),
}


@pytest.fixture(scope="module", params=MEASURED)
def name(request):
    return request.param


def test_the_table_names_every_system():
    assert set(MEASURED) == set(REAL_VLMS)


def test_parameters_are_counted_without_a_single_weight(name):
    vlm = opened(name)
    assert all(parameter.is_meta for parameter in vlm.model.parameters())
    assert tuple(round(count / 1e6, 1) for count in vlm.parameters.values()) == MEASURED[name][0]
    assert sum(vlm.parameters.values()) == sum(p.numel() for p in vlm.model.parameters())


def test_tokens_of_three_sizes(name):
    vlm = opened(name, "tiny")
    assert tuple(vlm.tokens(*size) for size in ((336, 336), (896, 896), (1650, 1275))) == MEASURED[name][1]


PUBLISHED = [(name, said) for name, about in REAL_VLMS.items() for said in about.published]


@pytest.mark.parametrize(("name", "said"), PUBLISHED, ids=lambda value: getattr(value, "what", value))
def test_what_is_counted_agrees_with_what_the_makers_say(name, said):
    if said.what == "tokens of a picture":
        assert opened(name, "tiny").tokens(896, 896) == said.value
        return
    counts = opened(name).parameters
    counted = {"parameters of the encoder": counts["encoder"], "parameters": sum(counts.values())}[said.what]
    assert counted == pytest.approx(said.value, rel=0.2)  # they round, and name a system by a round number


def test_a_tiny_one_sees_as_many_tokens_as_it_says_and_answers(name):
    vlm = opened(name, "tiny")
    pictures = torch.rand(1, 3, 96, 160, generator=torch.Generator().manual_seed(0))
    visual = vlm.see(pictures[0])
    assert visual.tokens.shape[1] == vlm.tokens(96, 160) == len(vlm.boxes(96, 160))
    scores = vlm.reader(torch.tensor([5, 6, 7]))(pictures)
    assert scores.shape == (1, 96)
    assert scores.isfinite().all()
    other = vlm.reader(torch.tensor([5, 6, 7]))(1 - pictures)
    assert largest_difference(scores, other) > 0.01  # the picture counts


def test_a_tiny_one_is_drawn_from_its_seed_and_leaves_the_generator_alone():
    torch.manual_seed(7)
    first = torch.rand(1)
    torch.manual_seed(7)
    one, other, same = (open_vlm("pixtral_12b", "tiny", seed=seed) for seed in (0, 1, 0))
    assert torch.equal(torch.rand(1), first)
    weights = [vlm.model.lm_head.weight for vlm in (one, other, same)]
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[1])


def test_the_twin_has_the_parts_of_the_real_one(name):
    real, twin = opened(name), opened(name, "tiny")
    assert type(real.model) is type(twin.model)
    assert type(real.encoder) is type(twin.encoder)
    assert [type(part) for part in real.connector.values()] == [type(part) for part in twin.connector.values()]
    assert type(real.language_model) is type(twin.language_model)
    assert sum(twin.parameters.values()) < 3e6


def test_systems_without_an_encoder_say_so():
    assert opened("fuyu_8b", "tiny").encoder is None
    assert opened("chameleon_7b", "tiny").encoder is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: open_vlm("gpt"), "no real system 'gpt'; expected one of llava_1_5_7b"),
        (lambda: open_vlm("fuyu_8b", "small"), "size is 'small'; expected \"meta\""),
        (lambda: opened("fuyu_8b").see(torch.rand(3, 64, 64)), "no weights, and cannot see a picture"),
        (lambda: opened("fuyu_8b").reader(torch.tensor([1])), 'size="tiny"'),
        (lambda: opened("fuyu_8b", "tiny").tokens(31, 64), "expected whole sides of 32 or more"),
        (lambda: opened("fuyu_8b", "tiny").tokens(64.0, 64), "expected whole sides"),
        (lambda: opened("fuyu_8b", "tiny").see(torch.rand(1, 64, 64)), "channels|colours|shape"),
        (lambda: opened("fuyu_8b", "tiny").see(torch.rand(3, 64, 64) * 255), "values|bytes"),
        (lambda: opened("fuyu_8b", "tiny").reader(torch.tensor([95])), "expected word numbers"),
        (lambda: opened("fuyu_8b", "tiny").reader(torch.tensor([1.0])), "expected word numbers"),
        (lambda: opened("fuyu_8b", "tiny").reader(torch.tensor([], dtype=torch.long)), "expected word numbers"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("place", ["config.window", "config.vision_config.windows", "config.text_config.depths"])
def test_a_field_that_the_library_does_not_have_is_named(place):
    about = REAL_VLMS["qwen2_5_vl_3b"]
    about = replace(about, values={**about.values, place: 3})
    with pytest.raises(ValueError, match=rf"has no field '{place.rpartition('.')[2]}'.*would be ignored"):
        build_config(about, "meta")


def test_a_field_that_the_image_processor_does_not_have_is_named():
    about = REAL_VLMS["qwen2_5_vl_3b"]
    with pytest.raises(ValueError, match=r"Qwen2VLImageProcessor .* has no field 'tile'"):
        build_image_processor(replace(about, values={**about.values, "image_processor.tile": 3}))


def test_an_older_library_is_refused_with_the_version_that_it_needs(monkeypatch):
    import transformers

    monkeypatch.setattr(transformers, "__version__", "4.57.1")
    with pytest.raises(TransformersMissing, match=rf"transformers is 4.57.1; .* need {OLDEST} or newer"):
        open_vlm("fuyu_8b")


def test_without_the_library_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(TransformersMissing, match=r"cannot be imported.*pip install \"transformers>="):
        building.import_transformers()


def test_the_package_is_imported_without_the_library():
    code = "import sys, vlmteach.backbones; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_page_of_the_documentation_says_what_is_counted():
    page = (Path(__file__).resolve().parents[3] / "docs" / "real_vlms.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| ")
    ]
    said = {row[0]: (row[1:4], row[4:7]) for row in rows if row[1].replace(",", "").replace(".", "").isdigit()}
    counted = {
        REAL_VLMS[name].title: ([f"{part:,.1f}" for part in parts], [f"{count:,}" for count in tokens])
        for name, (parts, tokens) in MEASURED.items()
    }
    assert said == counted
