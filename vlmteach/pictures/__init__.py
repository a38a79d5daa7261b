"""What goes in: pictures."""

from vlmteach.pictures.answering import answer_to
from vlmteach.pictures.batches import QUESTION_FAMILIES, SceneBatch, make_batch
from vlmteach.pictures.board import Scene, Thing, draw_scene
from vlmteach.pictures.colours import COLOURS, GREY
from vlmteach.pictures.drawing import draw_scenes
from vlmteach.pictures.fit import fit_picture
from vlmteach.pictures.guessing import guess_rate, shuffle_questions
from vlmteach.pictures.load import load_picture
from vlmteach.pictures.photograph import normalise, photograph
from vlmteach.pictures.questions import TEMPLATES, VOCABULARY
from vlmteach.pictures.scenes import SHAPES, Scenes, far_scenes, near_scenes

__all__ = [
    "COLOURS",
    "GREY",
    "QUESTION_FAMILIES",
    "SHAPES",
    "TEMPLATES",
    "VOCABULARY",
    "Scene",
    "SceneBatch",
    "Scenes",
    "Thing",
    "answer_to",
    "draw_scene",
    "draw_scenes",
    "far_scenes",
    "fit_picture",
    "guess_rate",
    "load_picture",
    "make_batch",
    "near_scenes",
    "normalise",
    "photograph",
    "shuffle_questions",
]
