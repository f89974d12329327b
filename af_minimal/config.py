"""Every size of the system in one place: presets and frozen dataclasses.

A preset is a dial, not a fork: all of them run through the same modules, the
same prompts and the same training loop. Nothing but sizes, and the few switches named
here, differs between them.

Taught in: notebooks/01_sound_into_windows.ipynb, notebooks/06_the_audio_flamingo.ipynb
"""

import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class AudioConfig:
    """How a waveform is cut into overlapping windows (AF1 paper section 3.1).

    Padding is looked at by the audio transformer of official AF1, so its weights want
    as much of it as they met in training: `padded_audios`.
    """

    sample_rate: int = 16_000  # Hz
    window_s: float = 2.0  # seconds one window lasts
    overlap_s: float = 1.5  # seconds two neighbouring windows share (AF1: 75 %)
    max_windows: int = 16  # windows one audio may have; the rest of it is not heard
    normalise: str = "none"  # "none" keeps loudness; "peak": official AF1 and AF2
    pad: str = "zero"  # after a short clip; "repeat": it again, as LAION-CLAP hears it
    padded_audios: int = 1  # a prompt with fewer is filled up with audios of padding

    def __post_init__(self):
        if not 0 <= self.overlap_s < self.window_s:
            raise ValueError(
                f"overlap_s is {self.overlap_s} and window_s is {self.window_s}: the "
                "overlap must be at least 0 and shorter than the window."
            )
        if self.max_windows < 1:
            raise ValueError(f"max_windows is {self.max_windows}; it must be positive.")
        if self.normalise not in ("none", "peak"):
            raise ValueError(f"normalise is {self.normalise!r}, not 'none' or 'peak'.")
        if self.pad not in ("zero", "repeat"):
            raise ValueError(f"pad is {self.pad!r}; it must be 'zero' or 'repeat'.")

    @property
    def window(self) -> int:
        """Samples in one window."""
        return int(self.window_s * self.sample_rate)

    @property
    def overlap(self) -> int:
        """Samples two neighbouring windows share."""
        return int(self.overlap_s * self.sample_rate)

    @property
    def hop(self) -> int:
        """Samples from the start of one window to the start of the next."""
        return self.window - self.overlap

    @property
    def max_samples(self) -> int:
        """Samples the model can hear of one audio."""
        return self.max_windows * self.window - (self.max_windows - 1) * self.overlap

    @property
    def max_s(self) -> float:
        """Seconds the model can hear of one audio."""
        return self.max_samples / self.sample_rate


@dataclass(frozen=True)
class EncoderConfig:
    """A log-mel front end and the tower that turns one window into one vector."""

    kind: str = "cnn"  # "cnn" | "htsat" | "toy"; see encoders.py
    width: int = 256  # E, numbers in the vector of one window
    embed_dim: int = 128  # numbers in the joint audio-text space
    alike: int = 0  # numbers by which sounds are compared; 0: in the joint space
    steps: int = 1  # n, vectors of one window; 1 pools it into one (AF1)
    n_fft: int = 512  # samples in one Fourier frame
    mel_hop: int = 160  # samples from one mel frame to the next (10 ms at 16 kHz)
    n_mels: int = 64  # M, mel bins
    f_min: float = 50.0  # Hz; 0 here is the classic way to get a different CLAP
    f_max: float = 8_000.0  # Hz
    # sizes of the towers
    channels: tuple[int, ...] = (32, 64, 128, 192)  # cnn: channels after each stage
    htsat_embed: int = 32  # htsat: width of the first stage
    htsat_depths: tuple[int, ...] = (2, 2, 4, 2)
    htsat_heads: tuple[int, ...] = (2, 4, 8, 16)
    htsat_spec_size: int = 128
    text_width: int = 128  # text tower
    text_layers: int = 2
    text_heads: int = 4


@dataclass(frozen=True)
class FlamingoConfig:
    """Sizes and switches of a whole Audio Flamingo."""

    name: str = "mini"
    family: str = "af1"  # "af1" | "af2": whose names `official/weights.py` gives it
    audio: AudioConfig = field(default_factory=AudioConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    # audio transformer
    audio_width: int = 256  # E
    audio_layers: int = 3
    audio_heads: int = 8
    audio_ff: int = 512  # inner width of its feed-forward
    positions: str = "sinusoidal"  # | "rotary" (AF2) | "none"
    max_positions: int = 144  # rows of the sinusoidal table: nine audios of 16 windows
    audio_dropout: float = 0.0  # on attention probabilities; the official code has 0.1
    isolate_audios: bool = True  # False: windows of all audios and of padding mix (AF1)
    # gated cross-attention
    location_mask: bool = True  # text hears the audios so far; False: the whole row
    xattn_every: int = 1  # a gated block before every n-th LM layer
    xattn_heads: int = 8
    xattn_head_width: int = 64  # K
    xattn_ff_mult: int = 4
    # language model: a Hugging Face config as a dict, with its "model_type"
    lm: dict = field(default_factory=dict)
    # special tokens
    audio_token_id: int | None = None
    sep_token_id: int | None = None
    eoc_token_id: int | None = None

    def __post_init__(self):
        if self.audio_heads < 1 or self.audio_width % self.audio_heads:
            raise ValueError(
                f"audio_width {self.audio_width} is not a multiple of audio_heads "
                f"{self.audio_heads}; choose a multiple."
            )
        if self.positions not in ("sinusoidal", "rotary", "none"):
            raise ValueError(
                f"positions is {self.positions!r}; it must be 'sinusoidal', 'rotary' "
                "or 'none'."
            )
        if self.positions == "rotary" and self.audio_width < 32 * self.audio_heads:
            raise ValueError(
                f"{self.audio_heads} heads of {self.audio_width // self.audio_heads} "
                "numbers; rotary positions turn 32 or more. Set fewer audio_heads."
            )
        if self.xattn_every < 1:
            raise ValueError(f"xattn_every is {self.xattn_every}; it must be positive.")

    @property
    def windows_per_audio(self) -> int:
        """W, the windows each audio of an example brings."""
        return self.audio.max_windows

    @property
    def tokens_per_audio(self) -> int:
        """W * n, the audio tokens each audio of an example brings."""
        return self.windows_per_audio * self.encoder.steps

    def to_dict(self) -> dict:
        """Plain JSON-ready dictionary."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "FlamingoConfig":
        """Inverse of `to_dict`; JSON lists become the tuples they were."""
        values = dict(values)
        values["audio"] = AudioConfig(**values["audio"])
        encoder = {
            k: tuple(v) if isinstance(v, list) else v
            for k, v in values["encoder"].items()
        }
        values["encoder"] = EncoderConfig(**encoder)
        return cls(**values)


def opt_config(layers: int, width: int, heads: int, vocab: int, positions: int) -> dict:
    """Sizes of a Hugging Face OPT, AF1's language model, as a plain dict."""
    return {
        "model_type": "opt",
        "vocab_size": vocab,
        "hidden_size": width,
        "word_embed_proj_dim": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "ffn_dim": 4 * width,
        "max_position_embeddings": positions,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "activation_function": "relu",
        "do_layer_norm_before": True,
    }


def read_presets() -> dict[str, FlamingoConfig]:
    """Every preset of `presets.toml`, by its name."""
    found = tomllib.loads(Path(__file__).with_name("presets.toml").read_text("utf-8"))
    for name, values in found.items():
        if "opt" in values:
            values["lm"] = opt_config(**values.pop("opt"))
        found[name] = FlamingoConfig.from_dict({"name": name, **values})
    return found


PRESETS = read_presets()
