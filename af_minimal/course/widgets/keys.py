"""What a widget needs of the page: keys of its own, and names for those who hear it."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import anywidget
import ipywidgets as widgets
import traitlets
from matplotlib.figure import Figure

from .. import viz


class Keys(anywidget.AnyWidget):
    """Nothing to see: keeps Jupyter's shortcuts out of the panel it stands in.

    It also gives names to what Jupyter leaves without one, for readers who hear the
    page: `alt` to the picture of the panel, and to each slider and player the words
    beside it.
    """

    _esm = Path(__file__).parent / "keys.js"

    alt = traitlets.Unicode("").tag(sync=True)


class Panel(widgets.VBox):
    """Widgets below each other whose sliders obey the arrow keys everywhere.

    Notebook 7 reads a key before the slider that has the focus; JupyterLab after it.
    A panel with a picture keeps it in `image`.
    """

    def __init__(self, children: Sequence[widgets.Widget]):
        super().__init__([*children, self.own_keys])

    @cached_property
    def own_keys(self) -> Keys:
        """Made when it is first asked for: a panel draws before it has children."""
        return Keys()

    def draw(self, figure: Figure, alt: str) -> None:
        """Show a figure in `image`, with words for those who cannot see it."""
        self.image.value, self.own_keys.alt = viz.png(figure), alt
