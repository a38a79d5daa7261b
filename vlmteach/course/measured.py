"""What the recorded experiments say about each claim: one function a claim, from the records to sentences and facts.

Read one to see where each number of the ledger comes from. No sentence holds a number that was typed: change a record,
and its sentences change; change it enough, and a fact that the verdict rests on falls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from vlmteach.course.records import Records, interval_in_words
from vlmteach.course.records import seeds_in_words as seeds
from vlmteach.course.systems import load_systems
from vlmteach.experiments import LEVEL
from vlmteach.experiments.cliff import CHANCE
from vlmteach.experiments.lottery import guess_by_length
from vlmteach.experiments.matrix.models import DIM
from vlmteach.nn import TransformerBlock
from vlmteach.pictures import KNOWS_BOTH
from vlmteach.views.learning import reached_in_words


@dataclass(frozen=True)
class Fact:
    """A comparison that a verdict rests on: says what, a measured value, a relation, and the bound it is held to."""

    says: str
    value: float
    relation: Literal["at least", "at most"]
    bound: float

    @property
    def holds(self) -> bool:
        """Whether the record bears it out."""
        return self.value >= self.bound if self.relation == "at least" else self.value <= self.bound

    @property
    def told(self) -> str:
        """Value and bound in words."""
        return f"{self.value:,.2f}, should be {self.relation} {self.bound:,.2f}"


@dataclass(frozen=True)
class Measured:
    """Sentences with their numbers, and the facts that a verdict rests on."""

    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]


def at_least(says: str, value: float, bound: float) -> Fact:
    """A fact that holds from a bound on."""
    return Fact(says, float(value), "at least", float(bound))


def at_most(says: str, value: float, bound: float) -> Fact:
    """A fact that holds up to a bound."""
    return Fact(says, float(value), "at most", float(bound))


def grid(r: Records) -> Measured:
    """A CNN gives a grid or one vector."""
    tokens = r.cost.at("cnn", 48, "tokens")
    prefix = r.matrix.seeds("cnn-small", "prefix", "attribute")
    vector = r.matrix.seeds("cnn-small", "vector", "attribute", positions=False)
    return Measured(
        (
            f"One and the same CNN gives {tokens:.0f} tokens as a grid, and a single one when they are pooled.",
            f"Attributes: the grid as a prefix reaches {seeds(prefix)}, the mean vector without positions "
            f"{seeds(vector)}. Guessing gives {r.matrix.guess('attribute'):.2f}.",
        ),
        (
            at_least("a grid of a CNN is enough for attributes", prefix.mean(), LEVEL),
            at_least("one vector tells more than a guess", vector.mean(), r.matrix.luck("attribute")),
        ),
    )


def local(r: Records) -> Measured:
    """Convolution is local, so a CNN is weak at distant relations."""
    inside, outside = r.cliff.worst("cnn-3")
    attention = r.cliff.accuracy_by_distance("cnn-1-attention")[:, -1]
    bag = r.matrix.seeds("cnn-small", "vector", "far relation", positions=False)
    read = r.matrix.seeds("cnn-small", "cross-attention", "far relation")
    prefix = r.matrix.seeds("cnn-small", "prefix", "far relation")
    real = r.frozen.seeds("cnn", "cross-attention", "far relation")
    unread = guess_by_length()
    lines = [
        f"{r.lottery.title(it)}, " + ", ".join(f"{length} steps {r.lottery.at(it, length)}" for length in (2, 3, 7))
        for it in r.lottery.names
    ]
    frozen = [
        f"{r.frozen.title(it)}, {r.frozen.tokens(it)} tokens, {interval_in_words(r.frozen, it, way, 'far relation')}"
        for it, way in r.frozen.cells()
        if way == "cross-attention" and r.frozen.trained(it)
    ]
    return Measured(
        (
            f"The cliff, chance {CHANCE:.2f}: a CNN of three blocks knows the colour at every place inside its "
            f"field ({inside:.2f} at the worst) and at none outside ({outside:.2f} at the best).",
            f"One attention layer behind a CNN of one block: {seeds(attention)} at the farthest distance.",
            f"Far relations, guessing {r.matrix.guess('far relation'):.2f}: the CNN with the smallest field and a mean "
            f"vector, no positions, {seeds(bag)}. The same CNN with positions, read by a prefix {seeds(prefix)}, by "
            f"cross-attention {seeds(read)}.",
            "Real networks, trained on photographs and frozen, read by cross-attention; far relations on our board, "
            f"guessing {r.frozen.guess('far relation'):.2f}: {'; '.join(frozen)}.",
            "A line to follow, no piece of which tells where it ends, asked so many steps from its end: "
            f"{'; '.join(lines)}. Following none gives {unread[1]:.2f}, {unread[2]:.2f} and {unread[6]:.2f}.",
        ),
        (
            at_most("beyond its field a CNN guesses", outside, 0.25),
            at_least("with one attention layer it does not", attention.mean(), LEVEL),
            at_most("as a bag of windows it guesses far relations", bag.mean(), r.matrix.luck("far relation")),
            at_least("read by cross-attention it answers them", read.mean(), LEVEL),
            at_least("and so does a real CNN, frozen", real.mean(), LEVEL),
            at_least("a short line can be followed on a CNN's grid", r.lottery.at("cnn-4", 2).mean, LEVEL),
            at_most("a long one was not, within these steps", r.lottery.at("cnn-4", 7).mean, unread[6] + 0.1),
        ),
    )


def regions(r: Records) -> Measured:
    """A CNN needs extra processing, such as a detector's regions."""
    cnn, vit = (r.matrix.seeds(name, "prefix", "where") for name in ("cnn-small", "vit"))
    return Measured(
        (
            "In the matrix every image encoder goes through the same projector: a norm, two linear layers, a norm. "
            "None has a line of code of its own.",
            f"Through it, a CNN's grid as a prefix answers where things are with {seeds(cnn)}, a ViT's patches with "
            f"{seeds(vit)}. Guessing gives {r.matrix.guess('where'):.2f}.",
        ),
        (at_least("a plain grid with a plain projector tells where things are", cnn.mean(), LEVEL),),
    )


def direct(r: Records) -> Measured:
    """A ViT computes global relations directly."""

    def slowdown(name: str, distance: int) -> float:
        """How many times the steps of distance 1 it took to learn a distance."""
        steps = r.cliff.steps_to_level(name).mean(axis=0)
        return float(steps[distance - 1] / steps[0])

    def far(name: str) -> str:
        accuracy = seeds(r.matrix.seeds(name, "cross-attention", "far relation"))
        return f"{accuracy}, {reached_in_words(*r.matrix.reached(name, 'cross-attention', 'far relation'), LEVEL)}"

    farthest = r.cliff.accuracy_by_distance("vit-1")[:, -1]
    bare, placed = (r.two_squares.apart(name) for name in ("attention-bare", "attention"))
    wall, shifted = r.windows.among("windows", seen=False), r.windows.among("shifted", seen=True)
    bag = r.matrix.seeds("vit-bag", "cross-attention", "where", positions=False)
    return Measured(
        (
            f"On the cliff a ViT of one block gets {seeds(farthest)} at the farthest distance, and learning it took "
            f"{slowdown('vit-1', 7):.1f} times the steps of the nearest. For six convolutional blocks distance 6 took "
            f"{slowdown('cnn-6', 6):.1f} times.",
            f"In the matrix, with cross-attention, far relations: the ViT {far('vit')}; the CNN with the smallest "
            f"field {far('cnn-small')}.",
            "A CNN of one block whose answer is read from the mean of all tokens: the farthest distance took "
            f"{slowdown('cnn-1-mean-read', 7):.1f} times the steps of the nearest. Attention is a direct path, not the "
            "only one.",
            f"A ViT without positions anywhere: where things are {seeds(bag)}, guessing {r.matrix.guess('where'):.2f}.",
            f"A ViT of three blocks that attend within windows, as in many large encoders: {wall} where the square is "
            f"in another window, chance {CHANCE:.2f}. With the second block's windows shifted, so that all places are "
            f"in reach: {shifted}.",
            f"Two squares, and an arrow that points to one: attention behind a CNN of one block gets {bare} without "
            f"positions and {placed} with them, a ViT of two blocks {seeds(r.two_squares.seeds('vit-2'))}. "
            f"Knowing both colours, but not which is meant, gives {KNOWS_BOTH:.2f}.",
        ),
        (
            at_least("one block reaches every distance", farthest.mean(), LEVEL),
            at_most("far is not learned later than near", slowdown("vit-1", 7), 1.5),
            at_most("masked to windows, it guesses what is in another one", wall.mean, 0.25),
            at_most("without positions, it does not know which of two squares is meant", bare.mean, KNOWS_BOTH + 0.05),
            at_least("with them, one layer of attention does", placed.mean, LEVEL),
            at_most("without positions, attention does not know where", bag.mean(), r.matrix.luck("where")),
        ),
    )


def only(r: Records) -> Measured:
    """A ViT uses self-attention only."""
    with torch.device("meta"):  # counting needs no weights, and no random numbers
        block = TransformerBlock(DIM, num_heads=1)
    mlp, whole = (sum(weight.numel() for weight in part.parameters()) for part in (block.mlp, block))
    bag = r.matrix.seeds("vit-bag", "cross-attention", "near relation", positions=False)
    return Measured(
        (
            f"Of a transformer block's parameters {mlp / whole:.0%} are in its MLP, which looks at no other token.",
            f"The ViT without positions has attention and everything else: near relations {seeds(bag)}, guessing "
            f"{r.matrix.guess('near relation'):.2f}.",
        ),
        (
            at_least("more than half of a block is not attention", mlp / whole, 0.5),
            at_most("without positions, near relations are guessed", bag.mean(), r.matrix.luck("near relation")),
        ),
    )


def seamless(r: Records) -> Measured:
    """The same blocks, so ViT and language model join without a seam."""

    def far(name: str) -> str:
        return seeds(r.matrix.seeds(name, "prefix", "far relation"))

    where = {name: r.matrix.seeds(name, "prefix", "where") for name in ("cnn-small", "vit")}
    every, few = (r.cost.at(connector, 384, "flops") / 1e6 for connector in ("projector", "resampler"))
    return Measured(
        (
            "Both kinds of encoder need a seam of the same size in the matrix, the same projector. As a prefix: where "
            f"things are, the ViT {seeds(where['vit'])}, the CNN with the small field {seeds(where['cnn-small'])}; far "
            f"relations, the ViT {far('vit')}, the CNN with the small field {far('cnn-small')}, with the large field "
            f"{far('cnn-large')}.",
            f"A seam can pay for itself: reading a picture of 384 pixels costs the language model {every:,.0f} MFLOPs "
            f"with every token and {few:,.0f} MFLOPs behind a resampler.",
        ),
        (
            at_least("a CNN's grid joins by the same prefix", where["cnn-small"].mean(), LEVEL),
            at_least("and so do a ViT's patches", where["vit"].mean(), LEVEL),
            at_least("a seam can make reading a large picture cheaper", every / few, 2),
        ),
    )


def cross(r: Records) -> Measured:
    """A CNN often needs a complex cross-attention."""
    attribute, where = (r.matrix.seeds("cnn-small", "prefix", family) for family in ("attribute", "where"))

    def far(name: str) -> str:
        ways = (seeds(r.matrix.seeds(name, way, "far relation")) for way in ("prefix", "cross-attention"))
        return " by prefix, ".join(ways) + " by cross-attention"

    systems = load_systems().systems
    grids, patches = ([s for s in systems if s.row == row] for row in ("cnn-grid", "vit-patches"))
    crossed = [[s.name for s in few if s.column in ("cross", "gated")] for few in (grids, patches)]
    plain = [s.name for s in grids if s.column == "prefix"]
    return Measured(
        (
            f"Of {len(grids)} systems in lesson 07's table that read a CNN's grid, {len(crossed[0])} use "
            f"cross-attention ({', '.join(crossed[0])}) and {len(plain)} a plain prefix ({', '.join(plain)}). Of "
            f"{len(patches)} that read a ViT's patches, {len(crossed[1])} uses it ({', '.join(crossed[1])}).",
            f"The CNN with the small field, two linear layers and a prefix: attributes {seeds(attribute)}, where "
            f"{seeds(where)}. Nothing more complex was needed for these.",
            f"Far relations: that CNN {far('cnn-small')}; the ViT {far('vit')}. Where cross-attention helps, it helps "
            "both.",
        ),
        (
            at_least("most CNN grids did meet the words in cross-attention", len(crossed[0]) / len(grids), 0.5),
            at_least("but a prefix is enough for a CNN's attributes", attribute.mean(), LEVEL),
            at_least("and for places", where.mean(), LEVEL),
        ),
    )


def mainstream(r: Records) -> Measured:
    """Hence the ViT is mainstream."""
    sizes, cnn, _ = r.hunger.curve("cnn-large")
    _, vit, _ = r.hunger.curve("vit")

    def learned_from(place: int) -> str:
        pairs = zip(r.hunger.families, cnn[place], vit[place], strict=True)
        return f"from {sizes[place]:,}: " + ", ".join(f"{family} {a:.2f} and {b:.2f}" for family, a, b in pairs)

    gap = cnn.round(2) - vit.round(2)  # every size of the set, every family
    old, new = r.tower("RN50x64", "OpenAI"), r.tower("ViT-L/14", "OpenAI")
    modern, rival = r.tower("ConvNeXt-L", "LAION-2B"), r.tower("ViT-L/14", "LAION-2B")
    best, curated = r.tower("ViT-bigG/14", "LAION-2B"), r.tower("ViT-L/14", "DataComp")

    def growth(part: str, quantity: str) -> float:
        return r.cost.at(part, 384, quantity) / r.cost.at(part, 48, quantity)

    return Measured(
        (
            f"Data: what the CNN and the ViT reach on new pictures (one seed each), {learned_from(1)}; "
            f"{learned_from(-1)}. Of all {gap.size} pairs of a family and a number of pictures the CNN is ahead in "
            f"{(gap > 0).sum()}, the ViT in {(gap < 0).sum()}; the others are equal to two digits.",
            f"Cost, at the matrix's small width: from 48 to 384 pixels the tokens grow {growth('cnn', 'tokens'):,.0f} "
            f"times, the CNN's operations {growth('cnn', 'flops'):,.0f} times, the ViT's "
            f"{growth('vit', 'flops'):,.0f} times.",
            f"Published, OpenAI's data: RN50x64 {old.accuracy:.1f} % at {old.gflops:.0f} GFLOPs, ViT-L/14 "
            f"{new.accuracy:.1f} % at {new.gflops:.0f}. LAION-2B: ConvNeXt-L {modern.accuracy:.1f} % at "
            f"{modern.gflops:.0f} GFLOPs, ViT-L/14 {rival.accuracy:.1f} % at {rival.gflops:.0f}; the best there is a "
            f"ViT, ViT-bigG/14 with {best.accuracy:.1f} % at {best.gflops:.0f}.",
            f"The same ViT-L/14 at the same cost on three sets of data: {rival.accuracy:.1f} % (LAION-2B), "
            f"{new.accuracy:.1f} % (OpenAI), {curated.accuracy:.1f} % (DataComp).",
        ),
        (
            at_most("against ResNets the ViT needed fewer operations for more", new.gflops, old.gflops),
            at_least("a later ConvNeXt with fewer operations is not behind it", modern.accuracy, rival.accuracy),
            at_least("other data moved the same ViT by more than two points", curated.accuracy - rival.accuracy, 2),
        ),
    )


def unsaid(r: Records) -> Measured:
    """Reasons that the article does not give."""
    curated, scraped = r.tower("ViT-L/14", "DataComp"), r.tower("ViT-L/14", "LAION-2B")
    half, whole = (r.cost.at("vit", side, "flops") for side in (192, 384))
    return Measured(
        (
            f"Data: trained on DataComp's pairs of pictures and texts instead of LAION's, the same ViT-L/14 is "
            f"{curated.accuracy - scraped.accuracy:.1f} points better.",
            f"Tokens can be left out: a quarter of the tokens costs our ViT {half / whole:.0%} of the operations. A "
            "convolution needs its whole grid. Section 10 of lesson 09 leaves out half and measures what is lost; "
            "lesson 11 opens real systems and counts the tokens that each of them keeps.",
        ),
        (
            at_least("other data gain more than two points", curated.accuracy - scraped.accuracy, 2),
            at_least("operations fall at least as fast as tokens", whole / half, 4),
        ),
    )


CLAIMS: dict[str, Callable[[Records], Measured]] = {
    measure.__name__: measure for measure in (grid, local, regions, direct, only, seamless, cross, mainstream, unsaid)
}
