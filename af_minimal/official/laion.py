"""LAION-CLAP through the `laion_clap` package's own code, behind `AudioEncoder`.

`import laion_clap` loads three tokenizers from the hub. Without a network that takes
minutes and leaves them empty. Its HTSAT needs none of them, and is imported alone.

Taught in: notebooks/12_real_weights.ipynb
"""

import importlib
import sys
from functools import cache
from importlib.util import find_spec
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import AudioConfig, EncoderConfig
from ..disk.storage import load_exactly
from ..encoders import AudioEncoder
from .claps import AUDIO, filters_of, in_sixteen_bits
from .htsat_names import has_fusion, htsat_to_transformers, under
from .read_claps import clap_config, linear_names


@cache
def package_module(name: str):
    """A module of `laion_clap`, without running the package's own `__init__`.

    Raises:
        ImportError: when the package is not installed.
    """
    spec = find_spec("laion_clap")
    if spec is None:
        raise ImportError(
            "laion_clap is not installed (it needs Python below 3.13). The same "
            'weights load without it: read_clap(tensors, "laion").'
        )
    place = spec.submodule_search_locations[0]  # where the package finds its own parts
    sys.path.insert(0, place)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(place)


class LaionCLAP(AudioEncoder):
    """The package's HTSAT with its own front end, and the two layers behind it.

    Official: `laion_clap/clap_module/htsat.py: HTSAT_Swin_Transformer`
    Taught in: notebooks/12_real_weights.ipynb
    """

    def __init__(self, config: EncoderConfig, audio: AudioConfig):
        super().__init__(config, audio, package_htsat(config, audio))
        self.tower.bn0.register_forward_pre_hook(in_own_precision)  # behind the mel
        self.projection = nn.Identity()  # the features are the joint space's
        inside = self.tower.num_features
        self.head = nn.Sequential(
            nn.Linear(inside, config.width),
            nn.ReLU(),
            nn.Linear(config.width, config.width),
        )

    def _apply(self, fn, *rest):
        """As any module, but the front end keeps float32, and its numbers, anywhere."""
        front = [self.tower.spectrogram_extractor, self.tower.logmel_extractor]
        exact = [p.data for part in front for p in part.parameters()]
        super()._apply(fn, *rest)
        now = [p for part in front for p in part.parameters()]
        for parameter, data in zip(now, exact, strict=True):
            parameter.data = data.to(parameter.device)
        return self

    def forward(self, windows: Tensor) -> Tensor:
        """(N, samples) -> (N, E), unit norm."""
        heard = self.tower(
            {"waveform": in_sixteen_bits(windows)}, device=windows.device
        )
        return F.normalize(self.head(heard["embedding"]), dim=-1)  # (N, E)


def in_own_precision(layer: nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
    """What comes to a layer, in the precision of its weights."""
    return (given[0].to(layer.weight.dtype),)


def package_htsat(config: EncoderConfig, audio: AudioConfig, **options) -> nn.Module:
    """HTSAT of the package in any size; its factory knows three only.

    `options` are those of its own class, such as `enable_fusion`.
    """
    made_for = SimpleNamespace(
        sample_rate=audio.sample_rate,
        window_size=config.n_fft,
        hop_size=config.mel_hop,
        fmin=config.f_min,
        fmax=config.f_max,
        mel_bins=config.n_mels,
    )
    return package_module("clap_module.htsat").HTSAT_Swin_Transformer(
        spec_size=config.htsat_spec_size,
        patch_size=4,
        patch_stride=(4, 4),
        num_classes=527,  # AudioSet's classes; their head is not used
        embed_dim=config.htsat_embed,
        depths=list(config.htsat_depths),
        num_heads=list(config.htsat_heads),
        window_size=8,
        config=made_for,
        **options,
    )


def read_laion(tensors: dict[str, Tensor]) -> LaionCLAP:
    """LAION-CLAP's audio side out of its checkpoint's tensors, as the package has it.

    Checkpoints with fusion load too. Of up to 10 s the package then fuses nothing, but
    it hears through other mel filters (HTK, no norm) than those it stores: they take
    the stored ones' place here. Of a longer clip ours hears the first 10 s, where the
    package fuses three parts drawn at random, or without fusion draws 10 s.

    Raises:
        ValueError: when tensors are missing, or the checkpoint has no audio side.

    Taught in: notebooks/12_real_weights.ipynb
    """
    tensors = {k.removeprefix("module."): v for k, v in tensors.items()}
    tower, head = under(tensors, "audio_branch."), under(tensors, "audio_projection.")
    if not tower or not head:
        raise ValueError(
            "no tensors are named audio_branch.* and audio_projection.*, so this is no "
            f"LAION-CLAP checkpoint. The first names are {list(tensors)[:3]}."
        )
    sizes = clap_config(htsat_to_transformers(tower), linear_names(head), "laion")
    if has_fusion(tower):
        tower = tower | {"logmel_extractor.melW": filters_of(sizes, fusion=True)}
    sizes = EncoderConfig(**(vars(sizes) | {"kind": "laion_package"}))
    encoder = LaionCLAP(sizes, AUDIO["laion"])
    named = {f"tower.{name}": tensor for name, tensor in tower.items()}
    named |= {f"head.{name}": tensor for name, tensor in head.items()}
    wanted = encoder.state_dict()
    unused = {k for k in named if k not in wanted}  # heads of other sizes, fusion
    aside = ("fusion_model", "mel_conv2d", "attn_mask", "relative_position_index")
    odd = [k for k in unused if not any(part in k for part in aside)]
    if odd:
        raise ValueError(f"the checkpoint has tensors that no CLAP has: {odd[:3]}.")
    made = {k for k in wanted if "attn_mask" in k or "position_index" in k}
    load_exactly(encoder, {k: v for k, v in named.items() if k in wanted}, made)
    return encoder.eval()


def to_checkpoint(tensors: dict[str, Tensor]) -> dict:
    """What `CLAP_Module.load_ckpt` reads: it deletes `position_ids`, so they are there.

    Official: `laion_clap/clap_module/factory.py: load_state_dict`
    Taught in: notebooks/12_real_weights.ipynb
    """
    position = "text_branch.embeddings.position_ids"
    named = {position: torch.arange(514).unsqueeze(0)} | tensors
    return {"state_dict": {f"module.{name}": tensor for name, tensor in named.items()}}
