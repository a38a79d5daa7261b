"""What counts as the code of a record, and what its hash does not see."""

import subprocess
import sys
import textwrap

import pytest

from vlmteach.experiments.code import closure, code_of, digest, tree_hash

PARTS = {
    "__init__": "",
    "parts.__init__": """
        '''A face: it only passes names on.'''
        from {toy}.parts.a import A
        from {toy}.parts.b import B as Bee
        from {toy}.parts.deep import D

        __all__ = ["A", "Bee", "D"]
        """,
    "parts.a": "from {toy}.parts.c import C\nA = C",
    "parts.b": "B = 2",
    "parts.c": "C = 3",
    "parts.deep.__init__": "from .d import D",
    "parts.deep.d": "from ..c import C\nD = C",
    "parts.deep.unused": "import {toy}.parts.b",
}


@pytest.fixture
def toy(tmp_path, monkeypatch, request):
    """A package on disk, of a name that no other test has: toy(run) gives the closure of its module run."""
    name = f"toy{abs(hash(request.node.name))}"
    monkeypatch.syspath_prepend(tmp_path)

    def closure_of(run, more=()):
        for module, source in {**PARTS, "run": run, **dict(more)}.items():
            file = tmp_path.joinpath(name, *module.split(".")).with_suffix(".py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(source).format(toy=name))
        found = closure(f"{name}.run")
        assert found == sorted(found)
        return {module.removeprefix(f"{name}.") for module in found}

    return closure_of


@pytest.mark.parametrize(
    ("run", "needed"),
    [
        ("x = 1", set()),
        ("import os, numpy", set()),
        ("from {toy}.parts.a import A", {"parts.a", "parts.c"}),
        ("import {toy}.parts.a", {"parts.a", "parts.c"}),
        ("from {toy}.parts import A", {"parts.a", "parts.c"}),
        ("from {toy}.parts import A as Other", {"parts.a", "parts.c"}),
        ("from {toy}.parts import Bee", {"parts.b"}),
        ("from {toy}.parts import D", {"parts.deep.d", "parts.c"}),  # a face that passes on what a face passed on
        ("from .parts import D", {"parts.deep.d", "parts.c"}),
        ("from {toy}.parts import c", {"parts.c"}),  # a module, which the face does not name
        ("from .parts import a", {"parts.a", "parts.c"}),
        ("def later():\n    from {toy}.parts import Bee", {"parts.b"}),
        ("if True:\n    import {toy}.parts.b", {"parts.b"}),
    ],
)
def test_a_name_is_followed_to_the_module_that_defines_it(toy, run, needed):
    assert toy(run) == {"run", *needed}


@pytest.mark.parametrize("run", ["import {toy}.parts", "from {toy} import parts", "from {toy}.parts import *"])
def test_who_imports_a_whole_face_depends_on_all_that_it_passes_on(toy, run):
    assert toy(run) >= {"run", "parts", "parts.a", "parts.b", "parts.c", "parts.deep.d"}


def test_an_init_with_code_of_its_own_is_code(toy):
    init = {"counted.__init__": "from {toy}.parts.b import B\nB = B + 1"}

    assert toy("from {toy}.counted import B", init) == {"run", "counted", "parts.b"}


def test_a_face_that_passes_on_what_is_not_ours_is_no_code(toy):
    face = {"face.__init__": "from time import sleep\nfrom torch import nn\nfrom {toy}.parts import Bee"}

    assert toy("from {toy}.face import Bee, nn, sleep", face) == {"run", "parts.b"}


def test_a_module_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"there is no module 'vlmteach\.nothing' whose code"):
        code_of("vlmteach.nothing")


def test_without_grimp_recording_says_what_to_install(monkeypatch, toy):
    monkeypatch.setitem(sys.modules, "grimp", None)

    with pytest.raises(ModuleNotFoundError, match=r"pip install 'vlmteach\[record\]'"):
        toy("x = 1")


PROGRAM = '''
"""A module."""

class Some:
    """A class."""

    def double(self, x=1):
        """A method."""
        return 2 * x + len("text")
'''


@pytest.mark.parametrize(
    "same",
    [
        PROGRAM.replace('"""A module."""', ""),
        PROGRAM.replace("A class.", "The same class, explained at length."),
        PROGRAM.replace('        """A method."""\n', ""),
        PROGRAM.replace('len("text")', 'len( "text" )  # four'),
        PROGRAM.replace("2 * x + len", "(2 * x) + len").replace('"text"', "'text'"),
        PROGRAM.replace("    def", "\n\n    # by two\n    def"),
    ],
)
def test_explanations_and_layout_are_not_hashed(same):
    assert same != PROGRAM
    assert tree_hash(same) == tree_hash(PROGRAM)


@pytest.mark.parametrize(
    "other",
    [
        PROGRAM.replace("2 * x", "3 * x"),
        PROGRAM.replace("2 * x", "2.0 * x"),
        PROGRAM.replace("2 * x", "x * 2"),
        PROGRAM.replace("2 * x", "2 + x"),
        PROGRAM.replace("x=1", "x=True"),
        PROGRAM.replace("x=1", "x=None"),
        PROGRAM.replace("x=1", "x"),
        PROGRAM.replace("x=1", "x=-1"),
        PROGRAM.replace('"text"', '"Text"'),
        PROGRAM.replace('"text"', 'b"text"'),
        PROGRAM.replace("double", "twice"),
        PROGRAM.replace("Some", "Some(int)"),
        PROGRAM.replace("        return", "        x = 3\n        return"),
        PROGRAM.replace("    def", "    @staticmethod\n    def"),
        PROGRAM + "\nSome()",
    ],
)
def test_everything_else_is(other):
    assert other != PROGRAM
    assert tree_hash(other) != tree_hash(PROGRAM)


def test_a_sentence_that_is_no_docstring_counts():
    assert tree_hash('x = 1\n"a"') != tree_hash('x = 1\n"b"')
    assert tree_hash('if x:\n    "a"') != tree_hash('if x:\n    "b"')


def test_one_module_changes_the_digest_of_all():
    code = {"a": "1", "b": "2"}

    assert digest(code) == digest({"b": "2", "a": "1"})
    assert len({digest(code), digest({**code, "b": "3"}), digest({"a": "1"}), digest({"a": "2", "b": "1"})}) == 4


@pytest.mark.parametrize("record", ["cliff", "matrix", "hunger"])
def test_the_code_of_a_record_is_what_learns_and_what_is_learned_from(record):
    code = code_of(f"vlmteach.experiments.{record}.run")

    assert {f"vlmteach.experiments.{record}.run", "vlmteach.training.loop", "vlmteach.nn.vit"} <= code.keys()
    assert {"vlmteach.pictures.chance", "vlmteach.pictures.look"} <= code.keys()  # they decide every pixel
    assert ("vlmteach.nn.connectors.resampler" in code) is (record != "cliff")
    for part in ("views", "course", "probes", "backbones"):
        assert not any(name.startswith(f"vlmteach.{part}") for name in code)
    assert not {"vlmteach.nn", "vlmteach.nn.regions", "vlmteach.nn.connectors.qformer"} & code.keys()
    assert all(len(sha) == 64 for sha in code.values())


def test_a_record_is_read_without_what_recording_needs():
    script = """
        import sys
        sys.modules["grimp"] = sys.modules["joblib"] = None
        from vlmteach.experiments import cliff, cost, hunger, matrix
        print(*(len(part.load_results().record["code"]) for part in (cliff, cost, hunger, matrix)))
        """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    read = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()

    assert len(read) == 4
