"""What an answer says, in whatever form it comes: a number, a few numbers, a tensor, a mask.

says: the sentence that refuses what cannot be read, ANSWER or RESULT.
"""

from __future__ import annotations

import itertools
import numbers
from collections.abc import Iterable, Mapping, Sequence, Set, Sized

import numpy as np
import torch
from torch import Tensor

from vlmteach.course.exercises.exercise import Wrong
from vlmteach.language import N_, _

ANSWER = N_("Your answer is {kind}; expected {expected}.")
RESULT = N_("your function returned {kind}; expected {expected}.")
FEW = 6  # numbers that a sentence can list
UNORDERED = (str, bytes, Mapping, Set)  # or not made of numbers


def kind_of(answer: object) -> str:
    """What a thing is, in words: "a list of 3", "an int", "a Tensor of shape (2, 3)", "None"."""
    if answer is None:
        return "None"
    name = type(answer).__name__
    one = _("an {name}", name=name) if name[0].lower() in "aeiou" else _("a {name}", name=name)
    if isinstance(answer, Tensor | np.ndarray):
        return _("{one} of shape {shape}", one=one, shape=tuple(answer.shape))
    if isinstance(answer, Sized) and not isinstance(answer, str):
        return _("{one} of {count}", one=one, count=len(answer))
    return one


def as_number(answer: object, expected: str, says: str = ANSWER, name: str = "") -> int | float:
    """The number a student gave, be it Python's, numpy's or torch's, or the only element of an array, tensor or list.

    expected: in words, such as "a number of tokens". name: of this number, where there are several.
    Raises Wrong for anything else, True and False included.
    """
    number = answer
    while isinstance(number, list | tuple) and len(number) == 1:
        number = number[0]
    try:
        if isinstance(number, np.generic | np.ndarray | Tensor):
            number = number.item()  # if it has one element
        if isinstance(number, numbers.Real) and not isinstance(number, bool):
            size = float(number)
            return int(number) if isinstance(number, numbers.Integral) else size
    except (ValueError, RuntimeError, OverflowError):
        pass
    kind = _("{kind} for {name}", kind=kind_of(answer), name=name) if name else kind_of(answer)
    raise Wrong(_(says, kind=kind, expected=expected))


def as_numbers(answer: object, names: Sequence[str], says: str = RESULT) -> tuple[int | float, ...]:
    """As many numbers as `names`, in order: from a tuple, a list, an array, a tensor or whatever gives them in turn.

    Raises Wrong for another count, and for what has no order or gives something else than numbers.
    """
    expected = _("{count} numbers ({names})", count=len(names), names=", ".join(names))
    refusal = Wrong(_(says, kind=kind_of(answer), expected=expected))
    if isinstance(answer, UNORDERED) or not isinstance(answer, Iterable) or _has_no_axis(answer):
        raise refusal
    parts = list(itertools.islice(answer, len(names) + 1))
    if len(parts) == 1 < len(names) and isinstance(parts[0], Iterable):  # one row of a table
        return as_numbers(parts[0], names, says)
    if len(parts) != len(names):
        raise refusal
    return tuple(as_number(part, _("a number"), says, name) for part, name in zip(parts, names, strict=True))


def as_tensor(answer: object, expected: str, says: str = RESULT) -> Tensor:
    """The numbers of a tensor, an array, a number, or of lists and tuples of them, as one tensor without a gradient.

    expected: in words, such as "a tensor (B, N, D)". Raises Wrong for anything else, and for rows of unequal length.
    """
    try:
        return _stacked(answer)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise Wrong(_(says, kind=kind_of(answer), expected=expected)) from None


def as_mask(answer: object, says: str = RESULT) -> Tensor:
    """A mask of True and False, from a tensor, an array, or rows of them. Raises Wrong for one of numbers."""
    mask = as_tensor(answer, _("a mask of True and False"), says)
    if mask.dtype != torch.bool:
        held = _("{dtype} numbers", dtype=mask.dtype) if isinstance(answer, Tensor) else _("numbers")
        expected = _(
            "True and False (torch.bool): numbers would be added to the scores. For 0 and 1, .bool() makes one"
        )
        raise Wrong(_(says, kind=_("a mask that holds {held}", held=held), expected=expected))
    return mask


def listed(tensor: Tensor, digits: int = 4) -> str:
    """The numbers of a small tensor, rounded to so many digits."""
    rounded = [float(f"{number:.{digits}g}") for number in tensor.flatten().tolist()]
    return str(torch.tensor(rounded, dtype=torch.float64).reshape(tensor.shape).to(_widest(tensor)).tolist())


def _widest(tensor: Tensor) -> torch.dtype:
    return torch.float64 if tensor.is_floating_point() else tensor.dtype


def _has_no_axis(answer: object) -> bool:
    return isinstance(answer, Tensor | np.ndarray) and answer.ndim == 0


def _stacked(answer: object) -> Tensor:
    """As as_tensor, with torch's and numpy's errors."""
    if isinstance(answer, Tensor):
        if answer.is_complex():
            raise TypeError("complex numbers")
        return answer.detach().cpu().to_dense()
    if isinstance(answer, Iterable) and not isinstance(answer, UNORDERED) and not hasattr(answer, "__array__"):
        return torch.stack([_stacked(part) for part in answer])
    if isinstance(answer, numbers.Real) or hasattr(answer, "__array__"):
        array = np.array(answer)
        if isinstance(answer, numbers.Rational) and array.dtype == object:  # a fraction
            array = np.array(float(answer))
        if array.dtype.kind in "biuf":
            return torch.from_numpy(array)
    raise TypeError(type(answer).__name__)
