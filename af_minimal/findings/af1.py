"""The findings of the Audio Flamingo paper: claims, and the experiments that test them.

The toy world's lines take the recipe apart that `mini` is trained with: AF1's own, then
with episodes of new names, then with episodes of wrong examples as well.

Taught in: notebooks/11_evaluation.ipynb, notebooks/20_findings.ipynb
"""

from functools import partial

from . import more_examples, neighbours
from .drawn import order_made_with, recipes_made_with
from .mini import block_mask, few_shot, gates_closed, similarity_filter
from .mini_drawn import block_mask_exam, few_shot_exam, filter_exam, gates_exam
from .rows import NO_NUMBER, Claim, Experiment
from .toy_few_shot import LEARNT, RECIPES, few_shot_by_recipe, learn_all_answers
from .toy_order import windows_or_one_vector

PAPER_FEW_SHOT = "guns 1.6 % → 53.5 %, birds 0.0 % → 42.2 %"

EXPERIMENTS = {
    "gates": Experiment(gates_closed, gates_exam),
    "block mask": Experiment(block_mask, block_mask_exam),
    "few-shot": Experiment(few_shot, few_shot_exam),
    "filter": Experiment(similarity_filter, filter_exam),
    **{
        f"toy, {name}": Experiment(
            partial(few_shot_by_recipe, recipe=recipe),
            partial(recipes_made_with, recipe),
        )
        for name, recipe in RECIPES.items()
    },
    "toy losses": Experiment(
        learn_all_answers, partial(recipes_made_with, *LEARNT.values())
    ),
    "toy order": Experiment(windows_or_one_vector, order_made_with),
    **neighbours.EXPERIMENTS,
}

T_F1 = [
    Claim(
        id="T-F1",
        claim="With its gates at zero the model is the text-only language model "
        "(largest difference of a logit).",
        paper="exact, by construction",
        experiment="gates",
        ours="gates closed",
        rules=("gates closed < 1e-6", "gates as trained > 1e-6"),
    )
]

T_F2 = [
    Claim(
        id="T-F2",
        claim="Sounds and names that training never met: one in 20 is named without "
        "examples, or fewer; half or more with four similar ones, and fewer with four "
        "random ones.",
        paper=PAPER_FEW_SHOT,
        experiment="few-shot",
        ours="unseen names, 4 similar",
        rules=(
            "unseen names, no example <= 0.05",
            "unseen names, 4 similar >= 0.5",
            "unseen names, 4 random < unseen names, 4 similar",
        ),
        chance="unseen names, chance",
    ),
    Claim(
        id="T-F2 other languages",
        claim="Half or more of the same sounds are named in each of eight languages of "
        "which training read no word, from four similar examples (the lowest).",
        paper=NO_NUMBER,
        experiment="few-shot",
        ours="named in other languages, lowest",
        rules=("named in other languages, lowest >= 0.5",),
        chance="unseen names, chance",
    ),
    Claim(
        id="T-F2 purity",
        claim="Few-shot accuracy passes the purity of what is retrieved, or stays at "
        "most 10 points below.",
        paper=NO_NUMBER,
        experiment="few-shot",
        ours="4 similar minus purity",
        rules=("4 similar minus purity >= -0.1",),
    ),
    *(
        Claim(
            id=f"T-F2 toy, {name}",
            claim=f"From nothing, with {name}: half or more of the sounds of unseen "
            "classes are named from four similar examples, fewer from four random "
            "ones, and one in 20 or fewer without.",
            paper=PAPER_FEW_SHOT,
            experiment=f"toy, {name}",
            ours="unseen names, 4 similar",
            rules=(
                "unseen names, no example <= 0.05",
                "unseen names, 4 similar >= 0.5",
                "unseen names, 4 random < unseen names, 4 similar",
            ),
            chance="unseen names, chance",
        )
        for name in RECIPES
    ),
]

T_F4 = [
    Claim(
        id="T-F4",
        claim="Known sounds whose examples are all of other classes are still named: "
        "at least 80 % of the accuracy without examples is kept.",
        paper="one example: three wrong labels, ignored",
        experiment="few-shot",
        ours="share kept, other classes",
        rules=("share kept, other classes >= 0.8",),
    ),
    Claim(
        id="T-F4 wrong names",
        claim="Known sounds whose similar examples have wrong names are still named: "
        "at least 80 % of the accuracy without examples is kept.",
        paper="one example: three wrong labels, ignored",
        experiment="few-shot",
        ours="share kept, wrong names",
        rules=("share kept, wrong names >= 0.8",),
    ),
    *(
        Claim(
            id=f"T-F4 toy, {name}",
            claim=f"From nothing, with {name}: examples of other classes leave at "
            "least 80 % of the accuracy without examples.",
            paper="one example: three wrong labels, ignored",
            experiment=f"toy, {name}",
            ours="share kept",
            rules=("share kept >= 0.8",),
        )
        for name in RECIPES
    ),
]

T_F5 = [
    Claim(
        id="T-F5",
        claim="An answer learns nothing from an audio that comes after it (gradient of "
        "answer 1's loss at audio 2).",
        paper="exact, by construction",
        experiment="block mask",
        ours="gradient of answer 1's loss at audio 2",
        rules=(
            "gradient of answer 1's loss at audio 2 <= 0",
            "gradient of answer 1's loss at audio 1 > 0",
            "gradient of answer 2's loss at audio 1 > 0",
        ),
    )
]

T_F6 = [
    Claim(
        id="T-F6",
        claim="Learning every answer of a row teaches in-context learning faster than "
        "learning the last alone (unseen names, mean over the learning curve).",
        paper=NO_NUMBER,
        experiment="toy losses",
        ours="all answers, mean of the curve",
        rules=("all answers, mean of the curve > last answer, mean of the curve",),
        chance="chance",
    )
]

T_F7 = [
    Claim(
        id="T-F7",
        claim="The half least similar by CLAP holds at least 70 % of the planted wrong "
        "captions, and more than a half drawn at random (share that is dropped).",
        paper=f"{NO_NUMBER}; pairs below a cosine of 0.3 are dropped",
        experiment="filter",
        ours="dropped by similarity",
        rules=(
            "dropped by similarity >= 0.7",
            "dropped by similarity > dropped at random",
        ),
        chance="chance",
    )
]

T_F8 = [
    Claim(
        id="T-F8",
        claim="A vector for each window beats one vector for the whole sound by 25 "
        "points on questions of order.",
        paper=NO_NUMBER,
        experiment="toy order",
        ours="order, windows minus one vector",
        rules=(
            "order, windows > order, one vector",
            "order, windows minus one vector >= 0.25",
        ),
    )
]

CLAIMS = [
    *(*T_F1, *T_F2, *neighbours.CLAIMS, *more_examples.CLAIMS),
    *(*T_F4, *T_F5, *T_F6, *T_F7, *T_F8),
]
