"""What the receptive field says when it cannot answer: it never guesses."""


class UnsupportedOperation(ValueError):
    """An operation for which no rule is known, or one that its rule cannot follow. `register_rule` adds a rule."""


class UntraceableModel(ValueError):
    """torch.fx cannot follow the model's Python code; the message says where it stopped."""


class WrongPicture(ValueError):
    """The model cannot take a picture of this size."""
