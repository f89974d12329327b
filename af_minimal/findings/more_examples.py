"""T-F3: do more examples help? The claims; the numbers are those of `mini.few_shot`.

Where a model finds examples with its own ear, the first of them is the one that it
would choose. Where another ear finds them, or names are wrong, one cannot be trusted.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from .rows import NO_NUMBER, Claim

PAPER_MORE = "AudioCaps CIDEr 0.518, 0.538, 0.546 with 4, 8, 16"
OWN_SPACE = ", found in the joint space of its own encoder, from four of a kind"
OTHER_EAR = (
    ", found by another ear than its own, by timbre (in the paper LAION-CLAP finds "
    "and ClapCap hears)"
)

CLAIMS = [
    Claim(
        id="T-F3",
        claim="Accuracy on unseen names is at most the share of questions whose true "
        "name is among the examples (largest excess, of 1, 4 and 8 similar ones).",
        paper=NO_NUMBER,
        experiment="few-shot",
        ours="most above the bound",
        rules=("most above the bound <= 0",),
    ),
    *(
        Claim(
            id=f"T-F3 {name}",
            claim=f"Accuracy rises from 1 to 4 to 8 similar examples{where}.",
            paper=PAPER_MORE,
            experiment="few-shot",
            ours=f"{measure}, 8 similar",
            rules=(
                f"{measure}, 1 similar < {measure}, 4 similar",
                f"{measure}, 4 similar < {measure}, 8 similar",
            ),
            chance="unseen names, chance",
        )
        for name, measure, where in (
            ("more examples", "unseen names", ""),
            ("another ear", "another ear", OTHER_EAR),
            ("joint space", "joint space, four of a kind", OWN_SPACE),
            ("half misnamed", "half misnamed", ", where half of the names are wrong"),
            ("four of a kind", "four of a kind", ", from a store of four of a kind"),
        )
    ),
    Claim(
        id="T-F3 sorted",
        claim="From 4 and from 8 neighbours that another ear found, the model names "
        "more sounds rightly than the vote of these neighbours does.",
        paper=NO_NUMBER,
        experiment="few-shot",
        ours="another ear, 8 similar",
        rules=tuple(
            f"another ear, {k} similar > another ear, vote of {k} nearest"
            for k in (4, 8)
        ),
        chance="unseen names, chance",
    ),
    Claim(
        id="T-F3 style",
        claim="Captions in a style that only the examples show: CIDEr rises from none "
        "to 4 to 8 similar examples.",
        paper=PAPER_MORE,
        experiment="few-shot",
        ours="new style, 8 similar, CIDEr",
        rules=(
            "new style, no similar, CIDEr < new style, 4 similar, CIDEr",
            "new style, 4 similar, CIDEr < new style, 8 similar, CIDEr",
        ),
    ),
]
