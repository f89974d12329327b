"""Formulas as MathML, which browsers draw themselves: no script, no font, no host."""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert
from sphinx.util.math import get_node_equation_number


def inline(translator, node) -> None:
    translator.body.append(convert(node.astext()))
    raise SkipNode


def block(translator, node) -> None:
    label = ""
    if node["number"]:
        label = (
            f"<span class='eqno'>({get_node_equation_number(translator, node)})</span>"
        )
    formula = convert(node.astext(), display="block")
    translator.body.append(f"<div class='math'>{label}{formula}</div>")
    raise SkipNode


def setup(app) -> dict:
    """Register with Sphinx under the name it is chosen by."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
