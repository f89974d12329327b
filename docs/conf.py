"""Sphinx's settings; `docs/build_site.py` calls them on a copy of the pages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for alts.py, mathml.py

project = "Audio Flamingo, minimal"
html_title = project
author = project
language = "en"
extensions = ["myst_nb", "alts", "mathml"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False  # the pages are made from copies
html_show_sphinx = False
html_show_copyright = False
pygments_style = "default"
pygments_dark_style = "monokai"

nb_execution_mode = "off"  # what is stored is what is shown
nb_ipywidgets_js = {}  # live widgets need a kernel and scripts of another host
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["mystnb.unknown_mime_type"]
