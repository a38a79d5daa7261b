"""The playground: place shapes, ask about them, and see what a model answers, where it looked and what mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from vlmteach.nn import VisionLanguageModel
from vlmteach.pictures import Scene, Thing, answer_to, draw_scene
from vlmteach.pictures.look import GREY
from vlmteach.probes import probe_answer
from vlmteach.training import one_thread
from vlmteach.views import Explorer, Line, SceneBoard, explore
from vlmteach.views.scenes import draw_sentence
from vlmteach.views.vlm import draw_answer


def draw_asked(model: VisionLanguageModel, scene: Scene, question: str, common_scale: bool = False) -> Figure:
    """A scene, a question about it and the model's answer; cells are hidden in the colour of the empty board.

    common_scale: one scale for the maps of all words, or for each its own.
    Raises ValueError for a question with an unknown word, an empty one, or one that is too long.
    """
    image = draw_scene(scene)
    with one_thread():  # a control should answer at once, also on a busy machine
        probed = probe_answer(model, image, question, (scene.cells, scene.cells), GREY / 255)
    attention = None if probed.attention is None else probed.attention.numpy()
    picture, drop = image.permute(1, 2, 0).numpy(), probed.drop.numpy()
    right = _right_answer(scene, question)
    return draw_answer(picture, probed.words, probed.probabilities, drop, attention, right, common_scale)


def playground(
    models: Mapping[str, VisionLanguageModel], things: Sequence[Thing], questions: Sequence[str]
) -> Explorer:
    """A board to place shapes on, a line to type or pick a question, and a choice of models by name.

    For an empty board, or a question that cannot be asked, a sentence takes the place of the figure.
    """

    def show(model: str, scene: tuple[Thing, ...], question: str) -> Figure:
        asked = question if question.rstrip().endswith("?") or not question.strip() else f"{question} ?"
        try:
            return draw_asked(models[model], Scene(scene), asked)
        except ValueError as error:  # what a person typed or placed: the sentence is the answer
            return draw_sentence(str(error))

    return explore(show, model=list(models), scene=SceneBoard(things), question=Line("question", questions))


def _right_answer(scene: Scene, question: str) -> str | None:
    """The right answer, or None when the question is about a colour that is not there, or in other words."""
    try:
        return answer_to(scene, question)
    except ValueError:
        return None
