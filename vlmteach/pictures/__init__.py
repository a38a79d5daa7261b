"""What goes in: pictures of scenes with questions about them, of the cliff's game, and photographs."""

from vlmteach.pictures.cliff import CliffBatch, cliff_batch
from vlmteach.pictures.look import CELL, COLOURS, GREY
from vlmteach.pictures.lottery import lottery_batch
from vlmteach.pictures.photos.fit import fit_picture
from vlmteach.pictures.photos.load import load_picture
from vlmteach.pictures.photos.photograph import PHOTOGRAPHS, normalise, photograph
from vlmteach.pictures.scenes.absent import NONE, ask_about_absent
from vlmteach.pictures.scenes.answering import answer_to
from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, SceneBatch, make_batch
from vlmteach.pictures.scenes.board import Scene, Thing, draw_scene
from vlmteach.pictures.scenes.drawing import draw_scenes
from vlmteach.pictures.scenes.guessing import guess_rate, shuffle_questions
from vlmteach.pictures.scenes.questions import TEMPLATES, VOCABULARY
from vlmteach.pictures.scenes.sampling import SHAPES, Scenes, far_scenes, near_scenes
from vlmteach.pictures.two_squares import KNOWS_BOTH, two_squares_batch

__all__ = [
    "CELL",
    "COLOURS",
    "GREY",
    "KNOWS_BOTH",
    "NONE",
    "PHOTOGRAPHS",
    "QUESTION_FAMILIES",
    "SHAPES",
    "TEMPLATES",
    "VOCABULARY",
    "CliffBatch",
    "Scene",
    "SceneBatch",
    "Scenes",
    "Thing",
    "answer_to",
    "ask_about_absent",
    "cliff_batch",
    "draw_scene",
    "draw_scenes",
    "far_scenes",
    "fit_picture",
    "guess_rate",
    "load_picture",
    "lottery_batch",
    "make_batch",
    "near_scenes",
    "normalise",
    "photograph",
    "shuffle_questions",
    "two_squares_batch",
]
