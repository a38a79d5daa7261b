"""Exercises of lesson 08: a tiny VLM from scratch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vlmteach.course.exercises.checks import ChoiceCheck, FunctionCheck
from vlmteach.course.exercises.exercise import Exercise
from vlmteach.course.exercises.masks import Token, mask_check, tokens_of
from vlmteach.course.exercises.results import Values
from vlmteach.course.exercises.ruled_out import ITS_OWN
from vlmteach.language import N_, _
from vlmteach.pictures import VOCABULARY


def _sequence(in_front: int, questions: int, length: int) -> list[Token]:
    words = [Token(N_("word"), place, question) for question in range(questions) for place in range(length)]
    return tokens_of((N_("picture token"), in_front)) + words


def _may_look(looker: Token, seen: Token) -> bool:
    own = looker.question == seen.question and seen.place <= looker.place
    return seen.kind == "picture token" or (looker.kind == "word" and own)


def _why(looker: Token, seen: Token) -> str:
    if seen.kind == "picture token":
        return _(
            "The picture has no order, and a word that does not see it is blind: every token may look at all of it."
        )
    if looker.kind == "picture token":
        return _("Then what one question asks would change what the others see.")
    if looker.question != seen.question:
        return _("A word of one question must not see a word of another: each question is alone.")
    if seen.place > looker.place:
        return _("That is a later word of its own question; a word that is seen need not be predicted.")
    return _("A word sees itself and the earlier words of its own question.")


mask = Exercise(
    number="8.1",
    examine=mask_check(
        _sequence, _may_look, _why, cases=((1, 1, 2), (1, 2, 2), (0, 3, 2), (4, 2, 3), (2, 1, 4)), ruled_out=ITS_OWN
    ),
    praise=N_("One look at the picture serves all questions, and none of them can tell that it is not alone."),
    hints=(
        N_("Start with all False. The columns of the picture are True for everyone."),
        N_("Then go through the questions: from `start` to `start + length` there is a small lower triangle."),
    ),
    answer="""import torch

def who_sees_whom(in_front, questions, length):
    count = in_front + questions * length
    mask = torch.zeros(count, count, dtype=torch.bool)
    mask[:, :in_front] = True
    for start in range(in_front, count, length):
        mask[start:start + length, start:start + length] = torch.ones(length, length, dtype=torch.bool).tril()
    return mask""",
)


def _asked(*pictures: Sequence[str]) -> Tensor:
    """Questions in the numbers of the lesson's vocabulary, (B, Q, 6), padded with 0 after the question mark."""
    numbers = [[[VOCABULARY.index(word) for word in question.split()] for question in asked] for asked in pictures]
    return torch.tensor([[question + [0] * (6 - len(question)) for question in asked] for asked in numbers])


def _batches() -> tuple[tuple[Tensor, Tensor], ...]:
    """Scores and words: questions of four, five and six words, and words with larger numbers than the question mark."""
    generator = torch.Generator().manual_seed(7)
    batches = (
        _asked(["what shape is red ?"]),
        _asked(["how many circle ?", "is red left of blue ?", "which row is green ?"]),
        _asked(
            ["what shape is red ?", "is blue above red ?"],
            ["how many square ?", "is red shaped like blue ?"],
        ),
    )
    return tuple((torch.randn(*words.shape, len(VOCABULARY), generator=generator), words) for words in batches)


def _scores_at(place: Callable[[list[int]], int]) -> Callable[[Tensor, Tensor], Tensor]:
    """The scores of each question at one of its places; after the last place there is an IndexError."""

    def scores_at(scores: Tensor, words: Tensor) -> Tensor:
        asked = words.tolist()
        rows = [[scores[b, q, place(question)] for q, question in enumerate(row)] for b, row in enumerate(asked)]
        return torch.stack([torch.stack(row) for row in rows])

    return scores_at


def _end(question: list[int]) -> int:
    return question.index(VOCABULARY.index("?"))


def _answer_scores(scores: Tensor, words: Tensor) -> Tensor:
    return _scores_at(_end)(scores, words)


_TOO_FAR = N_("You went one place too far: what is predicted *at* the question mark is the word after it.")

scores = Exercise(
    number="8.2",
    examine=FunctionCheck(
        right=_answer_scores,
        cases=_batches(),
        result=Values("(B, Q, V)"),
        mistakes=(
            (
                lambda scores, words: scores[:, :, -1],
                N_(
                    "You took the last place. Short questions are padded: after the question mark there is only "
                    "padding."
                ),
            ),
            (_scores_at(lambda question: _end(question) + 1), _TOO_FAR),
            (_scores_at(lambda question: min(_end(question) + 1, 5)), _TOO_FAR),
            (_scores_at(lambda question: (_end(question) + 1) % 6), _TOO_FAR),
            (
                _scores_at(lambda question: _end(question) - 1),
                N_("You took the place before the question mark; what is predicted there is the question mark."),
            ),
            (
                lambda scores, words: scores[:, :, 0],
                N_("You took the first place. After one word, nobody knows the question."),
            ),
            (
                _scores_at(lambda question: question.index(max(question))),
                N_(
                    "You took the word with the largest number. That is mostly a shape or a colour: in the vocabulary "
                    "they come after the question mark."
                ),
            ),
            (
                lambda scores, words: scores.mean(dim=2),
                N_("You averaged over all places. Only one of them has read the whole question."),
            ),
            (
                lambda scores, words: scores.sum(dim=2),
                N_("You added up all places. Only one of them has read the whole question."),
            ),
            (
                lambda scores, words: _answer_scores(scores, words).argmax(dim=-1),
                N_("You returned one word for each question. Keep the scores of all words: (B, Q, V)."),
            ),
            (
                lambda scores, words: _answer_scores(scores, words).softmax(dim=-1),
                N_("You returned probabilities. The place is right; keep the scores as they are."),
            ),
            (
                lambda scores, words: _answer_scores(scores, words)[:, :, None],
                N_("There is an extra axis of size 1 before the scores: take that axis out."),
            ),
        ),
        look=N_("Does each question get the scores at its own question mark?"),
    ),
    praise=N_("Each question answers where it ends, however long it is."),
    hints=(
        N_("A question with n words has its question mark at place n - 1; padding is 0."),
        N_("end = (words != 0).sum(dim=-1) - 1 is (B, Q). Then pick one place of axis 2 for each question."),
    ),
    answer="""def answer_scores(scores, words):
    end = (words != 0).sum(dim=-1) - 1
    index = end[..., None, None].expand(-1, -1, 1, scores.shape[-1])
    return scores.gather(2, index).squeeze(2)""",
)

# What a bag of patches, each one cell, can tell, and why. What it cannot is a theorem: moving things changes no patch.
bag = Exercise(
    number="8.3",
    examine=ChoiceCheck(
        name="can_answer",
        key=N_("family"),
        words=(True, False),
        right={
            "attribute": (
                True,
                N_("The patch of the red thing shows its shape, wherever the patch is."),
            ),
            "count": (True, N_("Three patches with a circle are three patches with a circle, in any order.")),
            "where": (
                False,
                N_("Move a thing to another cell: the same patches are in the bag. Nothing in it says which cell."),
            ),
            "near relation": (
                False,
                N_(
                    "A patch is one cell, and two neighbours take two. A convolution's window would hold both; a patch "
                    "does not."
                ),
            ),
            "far relation": (
                False,
                N_("Let the two things swap places: the bag holds the same patches, but the answer changes."),
            ),
            "same far": (
                True,
                N_("Whether two shapes are alike depends on what they are. How far apart they are does not matter."),
            ),
        },
    ),
    praise=N_(
        "What is there, how many, and whether two are alike: yes. Where things are: no, with or without attention."
    ),
    hints=(
        N_("Would the right answer change if all patches of the picture were shuffled?"),
        N_("A bag keeps what there is and how often; it forgets every place. Which families need a place?"),
    ),
    answer="""can_answer = {
    "attribute": True,
    "count": True,
    "where": False,
    "near relation": False,
    "far relation": False,
    "same far": True,
}""",
)
