"""Exercises of lesson 07: a tiny VLM from scratch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vlmteach.course.exercises.exercise import Exercise, Wrong


def _examine_mask(who_sees_whom: Callable[[int, int, int], Tensor]) -> None:
    for in_front, questions, length in [(4, 2, 3), (0, 3, 2), (2, 1, 4)]:
        count = in_front + questions * length
        mask = who_sees_whom(in_front, questions, length)
        case = f"For {in_front} picture tokens and {questions} questions of {length} words"
        if not isinstance(mask, Tensor):
            raise Wrong(f"{case} your function returned a {type(mask).__name__}; expected a tensor of True and False.")
        if mask.dtype != torch.bool:
            raise Wrong(f"{case} the mask holds {mask.dtype}; expected torch.bool, True = may look.")
        if mask.shape != (count, count):
            raise Wrong(
                f"{case} the mask is {tuple(mask.shape)}; expected {(count, count)}: one row and one column a token."
            )
        _check_pairs(mask, case, in_front, length)


def _check_pairs(mask: Tensor, case: str, in_front: int, length: int) -> None:
    """Decide every pair of tokens by what they are, one pair at a time."""
    if _wrong_pairs(~mask, in_front, length) == []:
        raise Wrong(f"{case} every entry is turned round: here True means may look.")
    wrong = _wrong_pairs(mask, in_front, length)
    if wrong and _wrong_pairs(mask.T, in_front, length) == []:
        raise Wrong(f"{case} rows and columns are exchanged. A row is who looks, a column what is looked at.")
    if not wrong:
        return
    looker, seen = wrong[0]
    if looker < in_front:
        raise Wrong(
            f"{case} picture token {looker} does not see all of the picture; the picture has no order."
            if seen < in_front
            else f"{case} picture token {looker} sees a word. Then what one question asks would change what others see."
        )
    if seen < in_front:
        raise Wrong(f"{case} word {looker - in_front} does not see picture token {seen}: it would answer blind.")
    if (looker - in_front) // length != (seen - in_front) // length:
        raise Wrong(f"{case} a word of one question sees a word of another. Each question must be alone.")
    raise Wrong(
        f"{case} a word sees a later word of its own question, and would not have to predict it."
        if seen > looker
        else f"{case} a word does not see itself or an earlier word of its own question."
    )


def _wrong_pairs(mask: Tensor, in_front: int, length: int) -> list[tuple[int, int]]:
    def may_look(looker: int, seen: int) -> bool:
        if looker < in_front or seen < in_front:
            return seen < in_front
        same = (looker - in_front) // length == (seen - in_front) // length
        return same and seen <= looker

    pairs = [(i, j) for i in range(len(mask)) for j in range(len(mask))]
    return [(i, j) for i, j in pairs if bool(mask[i, j]) != may_look(i, j)]


mask = Exercise(
    number="7.1",
    examine=_examine_mask,
    praise="One look at the picture serves all questions, and none of them can tell that it is not alone.",
    hints=(
        "Start with all False. The columns of the picture are True for everyone.",
        "Then go through the questions: from `start` to `start + length` there is a small lower triangle.",
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


def _examine_scores(answer_scores: Callable[[Tensor, Tensor], Tensor]) -> None:
    generator = torch.Generator().manual_seed(7)
    words = torch.tensor(
        [[[3, 4, 9, 0, 0, 0], [3, 4, 5, 6, 7, 9]], [[3, 4, 5, 9, 0, 0], [5, 4, 9, 0, 0, 0]]]
    )  # 9 is the question mark, 0 fills up
    scores = torch.randn(2, 2, 6, 12, generator=generator)
    ends = [[2, 5], [3, 2]]
    given = answer_scores(scores.clone(), words.clone())
    if not isinstance(given, Tensor):
        raise Wrong(f"Your function returned a {type(given).__name__}; expected a tensor of scores.")
    if given.shape == (2, 2):
        raise Wrong("You returned one number for each question. Keep the scores of all words: (B, Q, V).")
    if given.shape != (2, 2, 12):
        raise Wrong(f"Your result has shape {tuple(given.shape)}; expected (B, Q, V) = (2, 2, 12).")
    if not torch.equal(given, _scores_at(scores, ends, 0)):
        raise Wrong(_name_scores_mistake(given, scores, ends))


def _scores_at(scores: Tensor, ends: list[list[int]], shift: int) -> Tensor:
    rows = [[scores[b, q, (end + shift) % 6] for q, end in enumerate(row)] for b, row in enumerate(ends)]
    return torch.stack([torch.stack(row) for row in rows])


def _name_scores_mistake(given: Tensor, scores: Tensor, ends: list[list[int]]) -> str:
    known = {
        "You took the last place. Short questions are filled up, and behind the question mark stands nothing.": scores[
            :, :, -1
        ],
        "You took the place one too far: what is predicted *at* the question mark is the word behind it.": _scores_at(
            scores, ends, 1
        ),
        "You took the place before the question mark; what is predicted there is the question mark.": _scores_at(
            scores, ends, -1
        ),
        "You took the first place. After one word nobody knows the question.": scores[:, :, 0],
        "You averaged over all places. Only one of them has read the whole question.": scores.mean(dim=2),
    }
    for sentence, values in known.items():
        if torch.allclose(given, values):
            return sentence
    return "The shape is right, the numbers are not. Does each question get the scores at its own question mark?"


scores = Exercise(
    number="7.2",
    examine=_examine_scores,
    praise="Each question answers where it ends, however long it is.",
    hints=(
        "A question with n words has its question mark at place n - 1; fillers are 0.",
        "end = (words != 0).sum(dim=-1) - 1 is (B, Q). Then pick one place of axis 2 for each question.",
    ),
    answer="""def answer_scores(scores, words):
    end = (words != 0).sum(dim=-1) - 1
    index = end[..., None, None].expand(-1, -1, 1, scores.shape[-1])
    return scores.gather(2, index).squeeze(2)""",
)

# What a bag of patches, each one cell, can tell, and why. What it cannot is a theorem: moving things changes no patch.
CAN_ANSWER = {
    "attribute": (True, "The patch of the red thing shows its shape; it need not be known where the patch lies."),
    "count": (True, "Three patches with a circle are three patches with a circle, in any order."),
    "where": (False, "Move a thing to another cell: the same patches are in the bag. Nothing in it says which cell."),
    "near relation": (
        False,
        "A patch is one cell, and neighbours stand in two. A convolution's window would hold both, a patch does not.",
    ),
    "far relation": (False, "Let the two things change places: the bag holds the same patches, the answer is another."),
    "same far": (True, "Whether two shapes are alike depends on what they are. How far apart they stand is no matter."),
}


def _examine_bag(can_answer: dict[str, object]) -> None:
    if not isinstance(can_answer, dict):
        raise Wrong(f"can_answer is a {type(can_answer).__name__}; keep it a dictionary of families.")
    missing = [family for family in CAN_ANSWER if family not in can_answer]
    if missing:
        raise Wrong(f"The family {missing[0]!r} is gone; keep all six.")
    if all(can_answer[family] is None for family in CAN_ANSWER):
        raise NotImplementedError
    for family, (expected, why) in CAN_ANSWER.items():
        given = can_answer[family]
        if given is None:
            raise Wrong(f"The family {family!r} is still open: True or False?")
        if not isinstance(given, bool):
            raise Wrong(f"For {family!r} you wrote {given!r}; expected True or False.")
        if given != expected:
            raise Wrong(f"Think again about {family!r}. {why}")


bag = Exercise(
    number="7.3",
    examine=_examine_bag,
    praise="What is there, how many, and whether two are alike: yes. Where, and how they lie: no, attention or not.",
    hints=(
        "Would the right answer change if all patches of the picture were shuffled?",
        "A bag keeps what there is and how often; it forgets every place. Which families need a place?",
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
