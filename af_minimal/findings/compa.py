"""CompA's and AF-CLAP's findings: which sound comes first, and what teaches it.

Taught in: notebooks/14_af_clap_and_compa.ipynb, notebooks/20_findings.ipynb
"""

from functools import partial

from ..systems.compa.training import draw_attribute, draw_both_orders
from .compa_towers import (
    COUNTED,
    FEW_CLASSES,
    LOSSES,
    SETTING,
    SHORT,
    SMALL_POSITIONS,
    attributes,
    order_by_loss,
    regimes,
    small_positions,
    stages,
)
from .drawn import towers_made_with
from .rows import NO_NUMBER, Claim, Experiment

HARD, LATER = ("vanilla", "hard negatives"), ("hard negatives", "modular")
EXPERIMENTS = {
    "CompA order": Experiment(
        order_by_loss, partial(towers_made_with, SETTING, LOSSES, losses=LOSSES)
    ),
    "CompA regimes": Experiment(
        regimes,
        partial(
            towers_made_with,
            *(SETTING, FEW_CLASSES, COUNTED),
            draw=draw_both_orders,
            losses=HARD[:1],
        ),
    ),
    "CompA positions": Experiment(
        small_positions, partial(towers_made_with, SMALL_POSITIONS, losses=HARD[1:])
    ),
    "CompA attributes": Experiment(
        attributes,
        partial(towers_made_with, SHORT, draw=draw_attribute, losses=HARD),
    ),
    "CompA stages": Experiment(
        stages,
        partial(towers_made_with, SETTING, losses=LATER, stages=(0, 1, 2)),
    ),
}

CLAIMS = [
    Claim(
        id="T-A1",
        claim="The usual contrastive loss finds nine of ten sounds by their sentences "
        "and does not know which comes first: its group score stays below chance.",
        paper="group 4.7 %, chance 16.7 %; R@1 34.6 %, of CompA-CLAP 36.1 % "
        "(AudioCaps)",
        experiment="CompA order",
        ours="vanilla: group, pairs alone",
        rules=(
            "vanilla: group, pairs alone < 0.12",
            "vanilla: group < chance: group",
            "vanilla: R@1 >= 0.9",
        ),
        chance="chance: group, pairs alone",
    ),
    Claim(
        id="T-A2",
        claim="The same sounds and steps with hard negatives: order is known, of pairs "
        "that training never had, and at most 5 points of R@1 are lost.",
        paper="group 11.5 % → 33.9 %, with modular learning",
        experiment="CompA order",
        ours="hard negatives: group, pairs alone",
        rules=(
            "hard negatives: group, pairs alone >= 0.85",
            "R@1 lost, hard negatives <= 0.05",
        ),
        chance="chance: group, pairs alone",
    ),
    Claim(
        id="T-A3",
        claim="Shuffling the words of a sentence costs the usual loss at most 15 "
        "points of R@1, and the one with hard negatives at least 35.",
        paper="does not drop",
        experiment="CompA order",
        ours="hard negatives: lost by shuffling",
        rules=(
            "vanilla: lost by shuffling <= 0.15",
            "hard negatives: lost by shuffling >= 0.35",
        ),
    ),
    Claim(
        id="T-A4",
        claim="Where both orders of a pair meet in each batch, the usual loss learns "
        "order by itself.",
        paper=NO_NUMBER,
        experiment="CompA regimes",
        ours="both orders in each batch: group, pairs alone",
        rules=("both orders in each batch: group, pairs alone >= 0.85",),
        chance="chance: group, pairs alone",
    ),
    Claim(
        id="T-A4 few classes",
        claim="The usual loss also learns order, of half of the pairs, where there are "
        "so few classes that both orders often meet in a batch.",
        paper=NO_NUMBER,
        experiment="CompA regimes",
        ours="few classes: group, pairs alone",
        rules=("few classes: group, pairs alone >= 0.5",),
        chance="chance: group, pairs alone",
    ),
    Claim(
        id="T-A5",
        claim="With positions that begin at 0.1, hard negatives leave order below "
        "chance after 300 steps; with positions that begin at 1, above it. (First seen "
        "with AF-CLAP's loss and more classes, neither of which is measured here.)",
        paper=NO_NUMBER,
        experiment="CompA positions",
        ours="small positions: group, pairs alone",
        rules=(
            "small positions: group, pairs alone < chance: group, pairs alone",
            "positions from 1: group, pairs alone > chance: group, pairs alone",
        ),
        chance="chance: group, pairs alone",
    ),
    Claim(
        id="T-A6",
        claim="Hard negatives and modular learning, one after the other, beat either "
        "alone in the same steps. (Most extra sentences of modular learning are single "
        "sounds; with few classes they are true of other clips of a batch too, and its "
        "loss pushes those away. Of the paper's claim this may say nothing.)",
        paper="about 20 to 21 % with one of the two, 33.9 % with both",
        experiment="CompA stages",
        ours="all three stages: group, pairs alone",
        rules=(
            "stages 1 and 2: group, pairs alone < all three stages: group, pairs alone",
            "stages 1 and 3: group, pairs alone < all three stages: group, pairs alone",
        ),
        chance="chance: group, pairs alone",
    ),
    Claim(
        id="T-A7",
        claim="Asked whose attribute it is, the usual loss stays below chance, and "
        "hard negatives rise above it.",
        paper="group 14.8 % → 15.1 %, chance 16.7 %",
        experiment="CompA attributes",
        ours="hard negatives: group",
        rules=(
            "vanilla: group < chance: group",
            "hard negatives: group > chance: group",
            "gain: group > 0",
        ),
        chance="chance: group",
    ),
    Claim(
        id="T-B1",
        claim="AF-CLAP's loss teaches order, and the same loss without its negatives "
        "does not.",
        paper="MMAU 66.8 % with the usual loss, 69.0 % with the whole one",
        experiment="CompA order",
        ours="AF-CLAP: group, pairs alone",
        rules=(
            "AF-CLAP: group, pairs alone >= 0.85",
            "AF-CLAP without negatives: group, pairs alone <= 0.12",
        ),
        chance="chance: group, pairs alone",
    ),
]
