"""Keys that are the widget's own, in JupyterLab and in Notebook 7."""

from collections.abc import Sequence
from pathlib import Path

import anywidget
import ipywidgets as widgets


class Keys(anywidget.AnyWidget):
    """Nothing to see: keeps Jupyter's shortcuts out of the output it stands in."""

    _esm = Path(__file__).parent / "keys.js"


class Panel(widgets.VBox):
    """Widgets below each other whose sliders obey the arrow keys everywhere.

    Notebook 7 reads a key before the slider that has the focus; JupyterLab after it.
    """

    def __init__(self, children: Sequence[widgets.Widget]):
        super().__init__([*children, Keys()])
