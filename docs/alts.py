"""The words that a stored notebook has for a picture, as the picture's words on a page.

MyST-NB takes width and height of a picture from its metadata and leaves `alt` behind;
docutils then says the name of a file.
"""

from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer

render_plainly = NbElementRenderer.render_image


def render_image(self: NbElementRenderer, data: MimeData) -> list[nodes.Element]:
    """What MyST-NB makes of a picture, with the words that are stored beside it."""
    found = render_plainly(self, data)
    alt = data.output_metadata.get(data.mime_type, {}).get("alt", "")
    for node in found:
        for image in node.findall(nodes.image):
            image["alt"] = alt
    return found


def setup(app) -> dict:
    """Called by Sphinx, for which this file is an extension."""
    NbElementRenderer.render_image = render_image
    return {"parallel_read_safe": True, "parallel_write_safe": True}
