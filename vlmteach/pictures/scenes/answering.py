"""The exact right answer to a question about one scene, or a sentence that says why there is none."""

from __future__ import annotations

from difflib import get_close_matches

from vlmteach.pictures.look import COLOURS
from vlmteach.pictures.scenes.board import Scene, Thing, check_word
from vlmteach.pictures.scenes.questions import (
    ABOVE,
    COLOUR_OF,
    COLUMN,
    COUNT,
    END,
    LEFT,
    LIKE,
    NO,
    NUMBERS,
    ROW,
    SHAPE_OF,
    TEMPLATES,
    YES,
)
from vlmteach.pictures.scenes.sampling import SHAPES

EXAMPLES = tuple(template.format(a="red", b="blue", shape="circle") for template in TEMPLATES)


def answer_to(scene: Scene, question: str) -> str:
    """The answer, one word of VOCABULARY, to a question such as "is red left of blue ?".

    question: one of TEMPLATES with a colour or a shape in each blank; case, spaces and the question mark do not count.
    "Left" and "above" are strict: of two things in one column neither is left of the other.
    Raises ValueError for another question, with the nearest that can be asked, and for one that this scene cannot
    answer: nothing has that colour or shape, or several things have, or they are more than VOCABULARY can count.
    """
    template, blanks = _parsed(question)
    if template == COUNT:
        return _number(sum(thing.shape == blanks["{shape}"] for thing in scene.things), blanks["{shape}"])
    if template == COLOUR_OF:
        return _the_one_shaped(scene, blanks["{shape}"]).colour
    first = _the_one_coloured(scene, blanks["{a}"])
    about_one = {SHAPE_OF: first.shape, ROW: str(first.row), COLUMN: str(first.column)}
    if template in about_one:
        return about_one[template]
    if blanks["{a}"] == blanks["{b}"]:
        raise ValueError(f"the question compares {blanks['{a}']} with itself; expected two colours.")
    second = _the_one_coloured(scene, blanks["{b}"])
    about_two = {
        LEFT: first.column < second.column,
        ABOVE: first.row < second.row,
        LIKE: first.shape == second.shape,
    }
    return YES if about_two[template] else NO


def _parsed(question: str) -> tuple[int, dict[str, str]]:
    """Which template it is, and the word in each blank."""
    words = question.lower().replace(END, "").split()
    for number, template in enumerate(TEMPLATES):
        expected = template.split()[:-1]  # without the question mark
        if len(words) == len(expected) and all(
            word == wanted or wanted.startswith("{") for word, wanted in zip(words, expected, strict=True)
        ):
            blanks = {wanted: word for word, wanted in zip(words, expected, strict=True) if wanted.startswith("{")}
            for blank, word in blanks.items():
                kind, known = ("shape", SHAPES) if blank == "{shape}" else ("colour", COLOURS)
                check_word(kind, word, known)
            return number, blanks
    near = get_close_matches(" ".join(words), EXAMPLES, n=3, cutoff=0.5) or EXAMPLES
    quoted = ", ".join(f'"{example}"' for example in near)
    raise ValueError(f'"{question}" is not a question that can be asked; expected one like {quoted}.')


def _the_one_coloured(scene: Scene, colour: str) -> Thing:
    return _the_one([thing for thing in scene.things if thing.colour == colour], colour, colour)


def _the_one_shaped(scene: Scene, shape: str) -> Thing:
    return _the_one([thing for thing in scene.things if thing.shape == shape], f"a {shape}", _plural(shape))


def _the_one(found: list[Thing], one: str, several: str) -> Thing:
    if not found:
        raise ValueError(f"no thing is {one}, so the question has no answer. Ask about a thing of the scene.")
    if len(found) > 1:
        raise ValueError(f"{len(found)} things are {several}, so the question has no one answer. Ask about another.")
    return found[0]


def _number(count: int, shape: str) -> str:
    if str(count) not in NUMBERS:
        raise ValueError(f"{count} things are {_plural(shape)}, and the vocabulary counts only to {NUMBERS[-1]}.")
    return str(count)


def _plural(shape: str) -> str:
    return f"{shape}es" if shape.endswith("s") else f"{shape}s"
