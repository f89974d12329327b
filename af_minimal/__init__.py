"""Audio Flamingo, minimal: sound in at the top, text out at the bottom.

import af_minimal as af
model = af.load("mini")
model.ask(af.load_audio("dog.wav"), "What do you hear?")
"""

from importlib import import_module

__version__ = "0.1.0"

# public name -> the module it lives in; loaded when first asked for, so that
# `import af_minimal` costs nothing
_HOMES = {
    "AudioConfig": "config",
    "EncoderConfig": "config",
    "FlamingoConfig": "config",
    "PRESETS": "config",
    "Clip": "audio",
    "load_audio": "audio",
    "AudioFlamingo": "model",
    "load": "official.published",
    "Example": "data",
    "read_esc": "data",
    "Datastore": "retrieval",
    "hear": "audio",
    "Chat": "official.asking",
    "notebook_setup": "course.setup",
    "show": "course.setup",
}
_ROOMS = (
    "config disk audio encoders clap audio_transformer xattn language_model model "
    "prompts tokenizer blending data retrieval stages training generation chat "
    "evaluation official soundworld course"
).split()
__all__ = [*_HOMES, *_ROOMS]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"af_minimal has no {name!r}; it has {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
