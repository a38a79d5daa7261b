"""The course's one table: what each lesson is called, how long it takes, and what it may cost a machine."""

from __future__ import annotations

from dataclasses import dataclass

from vlmteach.language import N_

MEMORY_MB = 2048  # the most that the kernel process of any lesson may take


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    minutes: a student's time to read and run it, an estimate; exercises: the minutes that its exercises take beside.
    seconds: what a run of the whole notebook may take on two cores. needs_network: whether some part asks for the
    network.
    """

    number: int
    slug: str
    title: str
    minutes: int
    exercises: int
    seconds: int
    needs_network: bool = False

    @property
    def name(self) -> str:
        """The file's name without its ending: 01_from_feature_map_to_tokens."""
        return f"{self.number:02d}_{self.slug}"


LESSONS = (
    Lesson(
        0,
        "start_here",
        N_("Can a CNN be the image encoder of a vision-language model?"),
        minutes=15,
        exercises=5,
        seconds=20,
    ),
    Lesson(1, "from_feature_map_to_tokens", N_("From feature map to tokens"), minutes=35, exercises=10, seconds=30),
    Lesson(
        2, "how_far_does_a_convolution_see", N_("How far does a convolution see?"), minutes=65, exercises=25, seconds=45
    ),
    Lesson(3, "from_patches_to_tokens", N_("From patches to tokens"), minutes=35, exercises=15, seconds=30),
    Lesson(
        4, "attention_one_number_at_a_time", N_("Attention, one number at a time"), minutes=55, exercises=20, seconds=30
    ),
    Lesson(
        5,
        "the_transformer_block",
        N_("The transformer block, and a ViT of your own"),
        minutes=50,
        exercises=25,
        seconds=60,
    ),
    Lesson(6, "local_against_global", N_("Local against global, side by side"), minutes=60, exercises=20, seconds=60),
    Lesson(7, "how_vision_meets_language", N_("How vision meets language"), minutes=60, exercises=20, seconds=45),
    Lesson(8, "a_tiny_vlm_from_scratch", N_("A tiny VLM from scratch"), minutes=70, exercises=20, seconds=120),
    Lesson(9, "the_verdict", N_("The verdict: the article's claims, tested"), minutes=50, exercises=30, seconds=60),
    Lesson(
        10,
        "real_encoders_your_own_picture",
        N_("Real encoders, your own picture"),
        minutes=45,
        exercises=15,
        seconds=60,
        needs_network=True,
    ),
    Lesson(11, "real_vlms_opened", N_("Real VLMs, opened"), minutes=60, exercises=15, seconds=60, needs_network=True),
)


def get_lesson(number: int) -> Lesson:
    """The lesson with this number. Raises ValueError, naming those there are, when there is none."""
    for lesson in LESSONS:
        if lesson.number == number:
            return lesson
    numbers = ", ".join(str(lesson.number) for lesson in LESSONS)
    raise ValueError(f"there is no lesson {number!r}; expected one of {numbers}.")
