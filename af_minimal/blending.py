"""Blending: one virtual epoch out of many datasets, each by its weight.

Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

from collections.abc import Mapping, Sequence

import numpy as np


def blend(
    datasets: Mapping[str, Sequence],
    weights: Mapping[str, float],
    global_weight: float = 1.0,
    epoch: int = 0,
    repeat_quirk: bool = False,
) -> list:
    """The items of virtual epoch `epoch`, dataset after dataset.

    A dataset of N items and weight w = global_weight * weights[name] gives the items
    int(e N w) ... int((e + 1) N w) - 1 of an endless row of shuffled passes. Every pass
    holds each item once, in an order that the dataset's name and the pass's number fix
    (few share one, as officially): no state is kept, so any epoch can be computed at
    any time. Shuffle the result.

    `repeat_quirk=True` repeats the official fault: an epoch that begins inside a later
    pass takes the order of pass 0 up to the end of that pass, so that items repeat or
    are missed.

    Raises ValueError when names of weights and datasets differ, or a weight is bad.

    Official: data/data.py AudioTextData.blend_dataset
    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    _check(datasets, weights, global_weight, epoch)
    items = []
    for name, weight in weights.items():
        dataset, size = datasets[name], len(datasets[name])
        share = global_weight * weight
        start, stop = int(epoch * size * share), int((epoch + 1) * size * share)
        orders = {}  # pass -> its order
        for i in range(start, stop):
            turn, place = divmod(i, size)
            began_inside = turn * size < start
            turn = 0 if repeat_quirk and began_inside else turn
            if turn not in orders:
                orders[turn] = pass_order(name, size, turn)
            items.append(dataset[orders[turn][place]])
    return items


def pass_order(name: str, size: int, turn: int) -> list[int]:
    """Order in which pass number `turn` goes through the dataset `name`."""
    order = list(range(size))
    _shuffle(order, name)
    if turn > 0:
        _shuffle(order, f"{name}-epoch-{turn}")
    return order


def _shuffle(order: list[int], name: str) -> None:
    seed = sum(ord(letter) for letter in name)
    np.random.default_rng(seed).shuffle(order)


def _check(datasets, weights, global_weight, epoch) -> None:
    unknown, unused = set(weights) - set(datasets), set(datasets) - set(weights)
    if unknown or unused:
        raise ValueError(
            f"Datasets without a weight: {sorted(unused) or 'none'}; weights without "
            f"a dataset: {sorted(unknown) or 'none'}. Give each dataset one weight."
        )
    bad = {name: w for name, w in weights.items() if not 0 <= w < float("inf")}
    if bad or not 0 < global_weight < float("inf"):
        raise ValueError(
            f"Weights are 0 or more and global_weight is above 0; got {bad or ''} "
            f"global_weight={global_weight}."
        )
    empty = [name for name in weights if len(datasets[name]) == 0]
    if empty:
        raise ValueError(f"These datasets hold no items: {empty}.")
    if epoch != int(epoch) or epoch < 0:
        raise ValueError(f"epoch is {epoch}; it must be a whole number from 0.")
