"""What the recorded experiments say about each claim: one function a claim, from the records to sentences and facts.

Read one to see where each number of the ledger comes from. No sentence holds a number that was typed: change a record,
and its sentences change; change it enough, and a fact that the verdict rests on falls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from vlmteach.course.records import Records, interval_in_words, steps_in_words
from vlmteach.course.records import seeds_in_words as seeds
from vlmteach.course.systems import load_systems
from vlmteach.experiments import LEVEL
from vlmteach.experiments.cliff import CHANCE
from vlmteach.experiments.lottery import guess_by_length
from vlmteach.experiments.matrix.models import DIM
from vlmteach.language import N_, _, from_lesson
from vlmteach.nn import TransformerBlock
from vlmteach.pictures import KNOWS_BOTH


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
        says = N_("{value:,.2f}, should be at most {bound:,.2f}")
        if self.relation == "at least":
            says = N_("{value:,.2f}, should be at least {bound:,.2f}")
        return _(says, value=self.value, bound=self.bound)


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
    luck = r.matrix.luck("far relation")
    far = np.concatenate([r.matrix.every_seed(way, "far relation") for way in ("vector", "attention-pool")])
    return Measured(
        (
            _(
                "One and the same CNN gives {tokens:.0f} tokens as a grid, and a single one when they are pooled.",
                tokens=tokens,
            ),
            _(
                "Attributes: the grid as a prefix reaches {prefix}, the mean vector without positions {vector}. "
                "Guessing gives {guess:.2f}.",
                prefix=seeds(prefix),
                vector=seeds(vector),
                guess=r.matrix.guess("attribute"),
            ),
            _(
                "Far relations from one vector, the mean or pooled by attention, with positions, behind five encoders: "
                "{above} of {count} seeds above a guess with luck, {luck:.2f}, within these steps.",
                above=int((far > luck).sum()),
                count=len(far),
                luck=luck,
            ),
        ),
        (
            at_least(_("a grid of a CNN is enough for attributes"), prefix.mean(), LEVEL),
            at_least(_("and so is the mean of that grid"), vector.mean(), LEVEL),
            at_most(_("no seed with one vector relates far things, within these steps"), far.max(), luck),
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
        _(
            "{reader}, 2 steps {two}, 3 steps {three}, 7 steps {seven}",
            reader=from_lesson(r.lottery.title(it)),
            two=r.lottery.at(it, 2),
            three=r.lottery.at(it, 3),
            seven=r.lottery.at(it, 7),
        )
        for it in r.lottery.names
    ]
    frozen = [
        _(
            "{network}, {tokens} tokens, {interval}",
            network=from_lesson(r.frozen.title(it)),
            tokens=r.frozen.tokens(it),
            interval=interval_in_words(r.frozen, it, way, "far relation"),
        )
        for it, way in r.frozen.cells()
        if way == "cross-attention" and r.frozen.trained(it)
    ]
    return Measured(
        (
            _(
                "The cliff, chance {chance:.2f}: a CNN of three blocks knows the colour at every place inside "
                "its field ({inside:.2f} at the worst) and at none outside ({outside:.2f} at the best).",
                chance=CHANCE,
                inside=inside,
                outside=outside,
            ),
            _(
                "One attention layer behind a CNN of one block: {accuracy} at the farthest distance.",
                accuracy=seeds(attention),
            ),
            _(
                "Far relations, guessing {guess:.2f}: the CNN with the smallest field and a mean vector, no "
                "positions, {bag}. The same CNN with positions, read by a prefix {prefix}, by cross-attention "
                "{read}.",
                guess=r.matrix.guess("far relation"),
                bag=seeds(bag),
                prefix=seeds(prefix),
                read=seeds(read),
            ),
            _(
                "Real networks, trained on photographs and frozen, read by cross-attention; far relations on our "
                "board, guessing {guess:.2f}: {networks}.",
                guess=r.frozen.guess("far relation"),
                networks="; ".join(frozen),
            ),
            _(
                "A line to follow, no piece of which tells where it ends, asked so many steps from its end: "
                "{readers}. Following none gives {two:.2f}, {three:.2f} and {seven:.2f}.",
                readers="; ".join(lines),
                two=unread[1],
                three=unread[2],
                seven=unread[6],
            ),
        ),
        (
            at_most(_("beyond its field a CNN guesses"), outside, 0.25),
            at_least(_("with one attention layer it does not"), attention.mean(), LEVEL),
            at_most(_("as a bag of windows it guesses far relations"), bag.mean(), r.matrix.luck("far relation")),
            at_least(_("read by cross-attention it answers them"), read.mean(), LEVEL),
            at_least(_("and so does a real CNN, frozen"), real.mean(), LEVEL),
            at_least(_("a short line can be followed on a CNN's grid"), r.lottery.at("cnn-4", 2).mean, LEVEL),
            at_most(_("a long one was not, within these steps"), r.lottery.at("cnn-4", 7).mean, unread[6] + 0.1),
        ),
    )


def regions(r: Records) -> Measured:
    """A CNN needs extra processing, such as a detector's regions."""
    cnn, vit = (r.matrix.seeds(name, "prefix", "where") for name in ("cnn-small", "vit"))
    return Measured(
        (
            _(
                "In the matrix every image encoder goes through the same projector: a norm, two linear layers, a norm. "
                "None has a line of code of its own."
            ),
            _(
                "Through it, a CNN's grid as a prefix answers where things are with {cnn}, a ViT's patches with "
                "{vit}. Guessing gives {guess:.2f}.",
                cnn=seeds(cnn),
                vit=seeds(vit),
                guess=r.matrix.guess("where"),
            ),
        ),
        (at_least(_("a plain grid with a plain projector tells where things are"), cnn.mean(), LEVEL),),
    )


def direct(r: Records) -> Measured:
    """A ViT computes global relations directly."""

    def slowdown(name: str, distance: int) -> float:
        """How many times the steps of distance 1 it took to learn a distance."""
        steps = r.cliff.steps_to_level(name).mean(axis=0)
        return float(steps[distance - 1] / steps[0])

    def far(name: str) -> str:
        accuracy = seeds(r.matrix.seeds(name, "cross-attention", "far relation"))
        reached = steps_in_words(*r.matrix.reached(name, "cross-attention", "far relation"))
        return _("{accuracy}, {reached}", accuracy=accuracy, reached=reached)

    farthest = r.cliff.accuracy_by_distance("vit-1")[:, -1]
    bare, placed = (r.two_squares.apart(name) for name in ("attention-bare", "attention"))
    wall, shifted = r.windows.among("windows", seen=False), r.windows.among("shifted", seen=True)
    bag = r.matrix.seeds("vit-bag", "cross-attention", "where", positions=False)
    return Measured(
        (
            _(
                "On the cliff a ViT of one block gets {farthest} at the farthest distance, and learning it took "
                "{vit:.1f} times the steps of the nearest. For six convolutional blocks distance 6 took "
                "{cnn:.1f} times.",
                farthest=seeds(farthest),
                vit=slowdown("vit-1", 7),
                cnn=slowdown("cnn-6", 6),
            ),
            _(
                "In the matrix, with cross-attention, far relations: the ViT {vit}; the CNN with the smallest "
                "field {small}.",
                vit=far("vit"),
                small=far("cnn-small"),
            ),
            _(
                "A CNN of one block whose answer is read from the mean of all tokens: the farthest distance took "
                "{times:.1f} times the steps of the nearest. Attention is a direct path, not the only one.",
                times=slowdown("cnn-1-mean-read", 7),
            ),
            _(
                "A ViT without positions anywhere: where things are {bag}, guessing {guess:.2f}.",
                bag=seeds(bag),
                guess=r.matrix.guess("where"),
            ),
            _(
                "A ViT of three blocks that attend within windows, as in many large encoders: {wall} where the "
                "square is in another window, chance {chance:.2f}. With the second block's windows shifted, so "
                "that all places are in reach: {shifted}.",
                wall=wall,
                chance=CHANCE,
                shifted=shifted,
            ),
            _(
                "Two squares, and an arrow that points to one: attention behind a CNN of one block gets {bare} "
                "without positions and {placed} with them, a ViT of two blocks {vit}. Knowing both colours, but "
                "not which is meant, gives {both:.2f}.",
                bare=bare,
                placed=placed,
                vit=seeds(r.two_squares.seeds("vit-2")),
                both=KNOWS_BOTH,
            ),
        ),
        (
            at_least(_("one block reaches every distance"), farthest.mean(), LEVEL),
            at_most(_("far is not learned later than near"), slowdown("vit-1", 7), 1.5),
            at_most(_("masked to windows, it guesses what is in another one"), wall.mean, 0.25),
            at_most(
                _("without positions, it does not know which of two squares is meant"), bare.mean, KNOWS_BOTH + 0.05
            ),
            at_least(_("with them, one layer of attention does"), placed.mean, LEVEL),
            at_most(_("without positions, attention does not know where"), bag.mean(), r.matrix.luck("where")),
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
            _(
                "Of a transformer block's parameters {share:.0%} are in its MLP, which looks at no other token.",
                share=mlp / whole,
            ),
            _(
                "The ViT without positions has attention and everything else: near relations {bag}, guessing "
                "{guess:.2f}.",
                bag=seeds(bag),
                guess=r.matrix.guess("near relation"),
            ),
        ),
        (
            at_least(_("more than half of a block is not attention"), mlp / whole, 0.5),
            at_most(_("without positions, near relations are guessed"), bag.mean(), r.matrix.luck("near relation")),
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
            _(
                "Both kinds of encoder need a seam of the same size in the matrix, the same projector. As a "
                "prefix: where things are, the ViT {vit_where}, the CNN with the small field {small_where}; far "
                "relations, the ViT {vit}, the CNN with the small field {small}, with the large field {large}.",
                vit_where=seeds(where["vit"]),
                small_where=seeds(where["cnn-small"]),
                vit=far("vit"),
                small=far("cnn-small"),
                large=far("cnn-large"),
            ),
            _(
                "A seam can pay for itself: reading a picture of 384 pixels costs the language model "
                "{every:,.0f} MFLOPs with every token and {few:,.0f} MFLOPs behind a resampler.",
                every=every,
                few=few,
            ),
        ),
        (
            at_least(_("a CNN's grid joins by the same prefix"), where["cnn-small"].mean(), LEVEL),
            at_least(_("and so do a ViT's patches"), where["vit"].mean(), LEVEL),
            at_least(_("a seam can make reading a large picture cheaper"), every / few, 2),
        ),
    )


def cross(r: Records) -> Measured:
    """A CNN often needs a complex cross-attention."""
    attribute, where = (r.matrix.seeds("cnn-small", "prefix", family) for family in ("attribute", "where"))

    ways = ("prefix", "deep-prefix", "cross-attention")
    reached = {way: r.matrix.every_seed(way, "far relation") >= LEVEL for way in ways}

    def far(name: str) -> str:
        prefix, deeper, crossed = (seeds(r.matrix.seeds(name, way, "far relation")) for way in ways)
        return _(
            "{prefix} by prefix, {deeper} with one more layer of attention behind it, {crossed} by cross-attention",
            prefix=prefix,
            deeper=deeper,
            crossed=crossed,
        )

    systems = load_systems().systems
    grids, patches = ([s for s in systems if s.row == row] for row in ("cnn-grid", "vit-patches"))
    crossed = [[s.name for s in few if s.column in ("cross", "gated")] for few in (grids, patches)]
    plain = [s.name for s in grids if s.column == "prefix"]
    return Measured(
        (
            _(
                "Of {grids} systems in lesson 07's table that read a CNN's grid, {crossed} use cross-attention "
                "({crossed_names}) and {plain} a plain prefix ({plain_names}). Of {patches} that read a ViT's "
                "patches, it is used by {vit_crossed} ({vit_crossed_names}).",
                grids=len(grids),
                crossed=len(crossed[0]),
                crossed_names=", ".join(crossed[0]),
                plain=len(plain),
                plain_names=", ".join(plain),
                patches=len(patches),
                vit_crossed=len(crossed[1]),
                vit_crossed_names=", ".join(crossed[1]),
            ),
            _(
                "The CNN with the small field, two linear layers and a prefix: attributes {attribute}, where "
                "{where}. Nothing more complex was needed for these.",
                attribute=seeds(attribute),
                where=seeds(where),
            ),
            _(
                "Far relations, guessing {guess:.2f}: that CNN {small}; the one with the large field {large}; the ViT "
                "{vit}. Cross-attention has one layer of attention more than a prefix. Of {count} seeds behind five "
                "encoders {prefix} come to {level:.0%} by prefix, {deeper} with that layer added, {crossed} by "
                "cross-attention.",
                guess=r.matrix.guess("far relation"),
                small=far("cnn-small"),
                large=far("cnn-large"),
                vit=far("vit"),
                level=LEVEL,
                count=len(reached["prefix"]),
                prefix=int(reached["prefix"].sum()),
                deeper=int(reached["deep-prefix"].sum()),
                crossed=int(reached["cross-attention"].sum()),
            ),
        ),
        (
            at_least(_("most CNN grids did meet the words in cross-attention"), len(crossed[0]) / len(grids), 0.5),
            at_least(_("but a prefix is enough for a CNN's attributes"), attribute.mean(), LEVEL),
            at_least(_("and for places"), where.mean(), LEVEL),
        ),
    )


def mainstream(r: Records) -> Measured:
    """Hence the ViT is mainstream."""
    sizes, cnn, _known = r.hunger.curve("cnn-large")
    _sizes, vit, _known = r.hunger.curve("vit")

    def learned_from(place: int) -> str:
        pairs = zip(r.hunger.families, cnn[place], vit[place], strict=True)
        each = (
            _("{family} {cnn:.2f} and {vit:.2f}", family=from_lesson(family), cnn=a, vit=b) for family, a, b in pairs
        )
        return _("from {count:,}: {each}", count=sizes[place], each=", ".join(each))

    gap = cnn.round(2) - vit.round(2)  # every size of the set, every family
    old, new = r.tower("RN50x64", "OpenAI"), r.tower("ViT-L/14", "OpenAI")
    modern, rival = r.tower("ConvNeXt-L", "LAION-2B"), r.tower("ViT-L/14", "LAION-2B")
    best, curated = r.tower("ViT-bigG/14", "LAION-2B"), r.tower("ViT-L/14", "DataComp")

    def growth(part: str, quantity: str) -> float:
        return r.cost.at(part, 384, quantity) / r.cost.at(part, 48, quantity)

    return Measured(
        (
            _(
                "Data: what the CNN and the ViT reach on new pictures (one seed each), {few}; {many}. Of all "
                "{count} pairs of a family and a number of pictures the CNN is ahead in {cnn}, the ViT in {vit}; "
                "the others are equal to two digits.",
                few=learned_from(1),
                many=learned_from(-1),
                count=gap.size,
                cnn=(gap > 0).sum(),
                vit=(gap < 0).sum(),
            ),
            _(
                "Cost, at the matrix's small width: from 48 to 384 pixels the tokens grow {tokens:,.0f} times, "
                "the CNN's operations {cnn:,.0f} times, the ViT's {vit:,.0f} times.",
                tokens=growth("cnn", "tokens"),
                cnn=growth("cnn", "flops"),
                vit=growth("vit", "flops"),
            ),
            _(
                "Published, OpenAI's data: RN50x64 {old:.1f} % at {old_cost:.0f} GFLOPs, ViT-L/14 {new:.1f} % at "
                "{new_cost:.0f}. LAION-2B: ConvNeXt-L {modern:.1f} % at {modern_cost:.0f} GFLOPs, ViT-L/14 "
                "{rival:.1f} % at {rival_cost:.0f}; the best there is a ViT, ViT-bigG/14 with {best:.1f} % at "
                "{best_cost:.0f}.",
                old=old.accuracy,
                old_cost=old.gflops,
                new=new.accuracy,
                new_cost=new.gflops,
                modern=modern.accuracy,
                modern_cost=modern.gflops,
                rival=rival.accuracy,
                rival_cost=rival.gflops,
                best=best.accuracy,
                best_cost=best.gflops,
            ),
            _(
                "The same ViT-L/14 at the same cost on three sets of data: {rival:.1f} % (LAION-2B), {new:.1f} % "
                "(OpenAI), {curated:.1f} % (DataComp).",
                rival=rival.accuracy,
                new=new.accuracy,
                curated=curated.accuracy,
            ),
        ),
        (
            at_most(_("against ResNets the ViT needed fewer operations for more"), new.gflops, old.gflops),
            at_least(_("a later ConvNeXt with fewer operations is not behind it"), modern.accuracy, rival.accuracy),
            at_least(_("other data moved the same ViT by more than two points"), curated.accuracy - rival.accuracy, 2),
        ),
    )


def unsaid(r: Records) -> Measured:
    """Reasons that the article does not give."""
    curated, scraped = r.tower("ViT-L/14", "DataComp"), r.tower("ViT-L/14", "LAION-2B")
    half, whole = (r.cost.at("vit", side, "flops") for side in (192, 384))
    return Measured(
        (
            _(
                "Data: trained on DataComp's pairs of pictures and texts instead of LAION's, the same ViT-L/14 "
                "is {points:.1f} points better.",
                points=curated.accuracy - scraped.accuracy,
            ),
            _(
                "Tokens can be left out: a quarter of the tokens costs our ViT {share:.0%} of the operations. A "
                "convolution needs its whole grid. Section 10 of lesson 09 leaves out half and measures what is "
                "lost; lesson 11 opens real systems and counts the tokens that each of them keeps.",
                share=half / whole,
            ),
        ),
        (
            at_least(_("other data gain more than two points"), curated.accuracy - scraped.accuracy, 2),
            at_least(_("operations fall at least as fast as tokens"), whole / half, 4),
        ),
    )


CLAIMS: dict[str, Callable[[Records], Measured]] = {
    measure.__name__: measure for measure in (grid, local, regions, direct, only, seamless, cross, mainstream, unsaid)
}
