"""What a SoundWorld class is: words, length, audible attributes and a voice."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .synthesis import fade_edges, far_away

# Every class can be soft or loud, near or far; the rest is its own.
SHARED_ATTRIBUTES = {"loudness": ("soft", "loud"), "distance": ("near", "far")}

Attributes = dict[str, str]
Voice = Callable[[np.random.Generator, int, Attributes, int], np.ndarray]


@dataclass(frozen=True)
class SoundClass:
    """One kind of sound: how it is said, how it varies, how it is made.

    `voice(rng, samples, attributes, sample_rate)` returns the raw sound (samples,);
    `synth` adds what all classes share. `duration_s` is the natural (least, most).
    Taught in: notebooks/00_meet_the_model.ipynb
    """

    label: str
    family: str
    clause: str
    noun: str
    sound: str
    continuous: bool
    duration_s: tuple[float, float]
    own_attributes: dict[str, tuple[str, ...]]
    voice: Voice

    @property
    def phrases(self) -> tuple[str, str, str]:
        """The three wordings, each usable in "X, then Y"."""
        return self.clause, self.noun, self.sound

    @property
    def attributes(self) -> dict[str, tuple[str, ...]]:
        """Attribute name -> possible values, the shared ones last."""
        return self.own_attributes | SHARED_ATTRIBUTES

    def sample_attributes(self, rng: np.random.Generator) -> Attributes:
        """One value for every attribute, uniformly."""
        return {k: v[rng.integers(len(v))] for k, v in self.attributes.items()}

    def sample_duration(
        self, rng: np.random.Generator, attributes: Attributes
    ) -> float:
        """Seconds; an attribute `length` picks the lower or upper third."""
        least, most = self.duration_s
        third = (most - least) / 3
        if attributes.get("length") == "short":
            most = least + third
        if attributes.get("length") == "long":
            least = most - third
        return float(rng.uniform(least, most))

    def synth(
        self,
        rng: np.random.Generator,
        duration_s: float,
        attributes: Attributes | None = None,
        sample_rate: int = 16000,
    ) -> np.ndarray:
        """Render one sounding: float32 (samples,), peak <= 1, same rng same samples.

        Attributes left out are drawn. Raises ValueError for an unknown name or value.
        Taught in: notebooks/00_meet_the_model.ipynb
        """
        chosen = self.sample_attributes(rng) | self._checked(attributes or {})
        samples = max(1, round(duration_s * sample_rate))
        wave = self.voice(rng, samples, chosen, sample_rate)
        peak = (
            rng.uniform(0.12, 0.3)
            if chosen["loudness"] == "soft"
            else rng.uniform(0.6, 0.95)
        )
        if chosen["distance"] == "far":
            wave = far_away(rng, wave, sample_rate)
            peak *= 0.5
        wave = fade_edges(wave, sample_rate)
        return (wave * (peak / (np.abs(wave).max() + 1e-9))).astype(np.float32)

    def _checked(self, attributes: Attributes) -> Attributes:
        for name, value in attributes.items():
            if name not in self.attributes:
                raise ValueError(
                    f"'{self.label}' has no attribute '{name}'; choose from "
                    f"{sorted(self.attributes)}"
                )
            if value not in self.attributes[name]:
                raise ValueError(
                    f"'{name}' of '{self.label}' cannot be '{value}'; choose from "
                    f"{self.attributes[name]}"
                )
        return attributes
