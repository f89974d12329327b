"""How long steps take, and how long they wait for data.

Taught in: notebooks/08_staged_training.ipynb
"""

import time


def times(asked: float, began: float) -> dict[str, float]:
    """Seconds of a step that ends now, and those before it, spent waiting for data."""
    seconds = time.perf_counter() - began
    return {"seconds": round(seconds, 4), "waited": round(began - asked, 4)}


def waiting(log: list[dict]) -> str:
    """The share of its time that training waited for data, the first step left out."""
    waited, worked = (sum(row[key] for row in log[1:]) for key in ("waited", "seconds"))
    return (
        f"waited for data {waited / (waited + worked):.1%} of {waited + worked:.1f} s "
        f"(and {log[0]['waited']:.1f} s for the first batch)"
    )
