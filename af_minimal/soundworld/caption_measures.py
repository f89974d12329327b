"""Lines of a table for metrics that compare an answer with reference captions.

Taught in: notebooks/11_evaluation.ipynb
"""

import warnings

import numpy as np

from ..evaluation import caption_values, measure
from ..official.spice import SpiceWarning, spice

BLANK = {"low": None, "high": None, "chance": None}


def caption_measures(rows: list[dict], name: str = "{}", chosen=None) -> list[dict]:
    """Lines for CIDEr, BLEU-4 and ROUGE-L of rows with an answer and references.

    CIDEr and ROUGE-L are means over items, so they have an interval: other items of
    the kind are imagined, the weights of words stay. BLEU-4 counts over all items at
    once and has none.

    Args:
        name: of a line, with {} for the metric.
        chosen: places of the rows that are scored; CIDEr weighs words by all rows.

    Raises:
        ValueError: when there are no rows, or one has no list of references.

    Taught in: notebooks/11_evaluation.ipynb
    """
    chosen = list(range(len(rows)) if chosen is None else chosen)
    told = [row["answer"] for row in rows], [row["references"] for row in rows]
    values, lines = caption_values(*told), []
    for metric, value in values.items():
        line = {"measure": name.format(metric), "n": len(chosen)}
        if np.ndim(value):
            about = [rows[i].get("scene", i) for i in chosen]
            line = measure(name.format(metric), value[chosen], about=about)
        else:
            here = caption_values(*[[part[i] for i in chosen] for part in told])
            line |= {"score": float(here[metric]), **BLANK}
        lines.append(line)
    return lines


def add_spice(sections: list[dict]) -> list[str]:
    """Put SPICE behind ROUGE-L in each section of a report that describes scenes.

    Returns notes for the report: nothing, or one sentence that says why SPICE is left
    out, such as a missing Java.

    Taught in: notebooks/11_evaluation.ipynb
    """
    for section in sections:
        names = [line["measure"] for line in section["measures"]]
        if "caption, ROUGE-L" not in names:
            continue
        said = [row for row in section["rows"] if row["kind"] == "caption"]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", SpiceWarning)
            score = spice(
                [row["answer"] for row in said], [row["references"] for row in said]
            )
        if score is None:
            return [str(caught[-1].message)]
        line = {"measure": "caption, SPICE", "n": len(said), "score": score, **BLANK}
        section["measures"].insert(names.index("caption, ROUGE-L") + 1, line)
    return []
