"""A picture for pages on which a widget cannot run: GitHub, the site, a printer."""

import base64

import ipywidgets as widgets
from matplotlib.figure import Figure

from .. import viz


def picture() -> widgets.Image:
    """An empty picture that is never wider than the figures it will show."""
    widest = f"{viz.SIZE[0] * viz.DPI:.0f}px"  # Notebook 7 would blow it up
    return widgets.Image(format="png", layout=widgets.Layout(max_width=widest))


def with_picture(widget, figure: Figure, alt: str):
    """The widget, shown where it can live and as a picture everywhere else.

    Both stand in one output. JupyterLab and Notebook 7 take the widget; a stored page
    has the PNG, with `alt` for those who cannot see it.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    live, png = widget._repr_mimebundle_, base64.b64encode(viz.png(figure)).decode()

    def both(**options):
        shown = live(**options)
        data = shown[0] if isinstance(shown, tuple) else shown  # anywidget's is a pair
        return data | {"image/png": png}, {"image/png": {"alt": alt}}

    widget._repr_mimebundle_ = both
    return widget
