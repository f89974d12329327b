"""Parts that widgets share: rows and words that wrap, and what is said meanwhile."""

import html
from collections.abc import Iterator
from contextlib import contextmanager

import ipywidgets as widgets


def row(*children: widgets.Widget, **layout) -> widgets.HBox:
    """Widgets beside each other; in a narrow notebook the last ones go below."""
    wrapped = widgets.Layout(flex_flow="row wrap", **layout)
    return widgets.HBox(children, layout=wrapped)


class Words(widgets.HTML):
    """Words that wrap; a Label would cut them off at its end."""

    def say(self, text: str) -> None:
        """Show the text as it is, whatever stands in it."""
        self.value = html.escape(text, quote=False)


@contextmanager
def meanwhile(words: Words, said: str, *controls: widgets.Widget) -> Iterator[None]:
    """Say what goes on, and let nobody use the controls until it has ended.

    A ValueError is told in its place and goes no further. Any other error is told and
    raised again: what ran out of memory, or was interrupted, is no longer at work.
    """
    words.say(said)
    for control in controls:
        control.disabled = True
    try:
        yield
    except ValueError as error:
        words.say(str(error))
    except BaseException as error:
        words.say(f"{type(error).__name__}: {error}".rstrip(": "))
        raise
    finally:
        for control in controls:
            control.disabled = False
