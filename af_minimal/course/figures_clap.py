"""Two pictures of notebook 02: how alike things are, and what each window says."""

import textwrap
from collections.abc import Sequence

from matplotlib.patheffects import withStroke

from . import viz


def similarity_matrix(
    values,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str = "",
    xlabel: str = "sentence",
    ylabel: str = "sound",
) -> None:
    """Cosines (rows, columns) as a heat-map, named on both sides."""
    figure = viz.new_figure(height=0.9 + 0.09 * len(rows))
    axes = figure.axes[0]
    image = axes.imshow(viz.to_numpy(values), aspect="auto", cmap=viz.HEAT)
    if len(columns) > 4:
        turn = {"rotation": 40, "ha": "right"}
    else:  # room enough to write straight
        columns, turn = [textwrap.fill(name, 40) for name in columns], {}
    axes.set_xticks(range(len(columns)), columns, fontsize=8, **turn)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    figure.colorbar(image, ax=axes, label="cosine", pad=0.01)
    viz.show(figure, f"Cosines of {len(rows)} rows and {len(columns)} columns. {title}")


def labels_over_time(values, labels: Sequence[str], hop_s: float, events=()) -> None:
    """Cosine of each label (row) with each window (column, start in seconds).

    `events` are scored events; a white bar marks when each of them sounds, with a black
    edge, for a cell may be as bright.
    """
    values = viz.to_numpy(values)  # (labels, W)
    figure = viz.new_figure()
    axes = figure.axes[0]
    right = values.shape[1] * hop_s
    extent = (0, right, len(labels) - 0.5, -0.5)
    image = axes.imshow(values, aspect="auto", extent=extent, cmap=viz.HEAT)
    edge = [withStroke(linewidth=5, foreground="black")]
    bar = {"color": "white", "linewidth": 3, "path_effects": edge}
    for event in events:
        row = list(labels).index(event.label)
        axes.plot([event.onset_s, event.end_s], [row, row], **bar)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="start of the window (s)", ylabel="name", xlim=(0, right))
    axes.set(ylim=(len(labels) - 0.5, -0.5))
    figure.colorbar(image, ax=axes, label="cosine", pad=0.01)
    viz.show(figure, f"{len(labels)} labels against {values.shape[1]} windows")
