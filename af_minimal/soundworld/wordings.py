"""The wordings of every question, and the grammar they need.

Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

NO_ARTICLE = {"rain", "wind", "thunder", "hail", "applause", "laughter", "bird song"}
CAPTION_PROMPTS = (
    "describe the sound in a sentence.",
    "what do you hear?",
    "what is happening?",
    "describe what you hear.",
    "what can be heard in this recording?",
    "caption this sound.",
)
DETAIL_PROMPTS = (
    "describe the sound in detail.",
    "describe the sound at length.",
    "what do you hear? be precise.",
)
CLASSIFY_PROMPTS = (
    "classify this sound.",
    "what is this sound?",
    "which sound is this?",
    "name this sound.",
)
TAG_PROMPTS = (
    "use a few labels to describe this sound.",
    "generate tags.",
    "which labels fit this sound?",
    "what sounds are there?",
)
ORDER_PROMPTS = (
    "list the sounds in order.",
    "which sounds are heard, in order?",
    "name the sounds from first to last.",
    "what do you hear, from first to last?",
)
KINDS_PROMPTS = (
    "how many different sounds are there?",
    "how many kinds of sound are heard?",
    "how many different sounds do you hear?",
)
FIRST_PROMPTS = (
    "what is heard first?",
    "which sound comes first?",
    "what is the first sound?",
    "what do you hear first?",
)
LAST_PROMPTS = (
    "what is heard last?",
    "which sound comes last?",
    "what is the last sound?",
    "what do you hear last?",
)


def agree(label: str, singular: str, plural: str) -> str:
    """The form of a verb that fits a label."""
    return plural if label.endswith("s") else singular


def a(label: str) -> str:
    """The label with its article, where it takes one."""
    if label in NO_ARTICLE or label.endswith(("s", "ing")):
        return label
    return f"{'an' if label[0] in 'aeiou' else 'a'} {label}"
