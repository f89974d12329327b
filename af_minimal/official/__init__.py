"""The official code's side: its weights and its spellings of a prompt, exactly.

Taught in: notebooks/06_the_audio_flamingo.ipynb
"""

from .asking import ask_official
from .weights import from_official, to_official

__all__ = ["ask_official", "from_official", "to_official"]
