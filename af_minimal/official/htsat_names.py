"""Names of the audio tower HTSAT: those of LAION, Microsoft and NVIDIA, and back.

All three keep the names of HTSAT's own code. `transformers` renamed them and cut the
matrix `qkv` into three. What the tower does not use is left out: heads for AudioSet's
classes, the fusion of long clips, and the Fourier and mel constants.

Taught in: notebooks/12_real_weights.ipynb
"""

import torch
from torch import Tensor

RENAMED = (  # original, transformers; the order matters for the way back
    (".attn.proj.", ".attention.output.dense."),
    (".attn.", ".attention.self."),
    (".mlp.fc1.", ".intermediate.dense."),
    (".mlp.fc2.", ".output.dense."),
    (".norm1.", ".layernorm_before."),
    (".norm2.", ".layernorm_after."),
    (".bn0.", ".batch_norm."),
)
THIRDS = ("query", "key", "value")
# where an AF2 checkpoint keeps its tower: one of training, a published one
AFCLAP = ("clap.afclap.", "clap.nvclap.")
FUSION = (".fusion_model.", ".mel_conv2d.")  # of LAION-CLAPs trained on long clips too
UNUSED = (
    ".head.",
    ".tscam_conv.",
    ".spectrogram_extractor.",
    ".logmel_extractor.",
    ".attn_mask.",
    *FUSION,
)


def htsat_to_transformers(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """HTSAT's own names, without a prefix, as those of `ClapAudioEncoder`.

    Official: models/clap/convert_clap_original_pytorch_to_hf.py of `transformers`
    Taught in: notebooks/12_real_weights.ipynb
    """
    found = {}
    for name, tensor in tensors.items():
        dotted = f".{name}."
        if any(part in dotted for part in UNUSED):
            continue
        for original, theirs in RENAMED:
            dotted = dotted.replace(original, theirs)
        if ".qkv." not in dotted:
            found[dotted.strip(".")] = tensor
            continue
        for third, rows in zip(THIRDS, tensor.chunk(3), strict=True):
            found[dotted.replace(".qkv.", f".{third}.").strip(".")] = rows
    return found


def htsat_from_transformers(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Inverse of `htsat_to_transformers`, for what the tower uses.

    Taught in: notebooks/12_real_weights.ipynb
    """
    found = {}
    for name, tensor in tensors.items():
        dotted = f".{name}."
        for original, theirs in RENAMED:
            dotted = dotted.replace(theirs, original)
        if any(f".{third}." in dotted for third in THIRDS[1:]):
            continue  # read with their query
        if ".query." in dotted:
            thirds = [tensors[name.replace("query", third)] for third in THIRDS]
            tensor, dotted = torch.cat(thirds), dotted.replace(".query.", ".qkv.")
        found[dotted.strip(".")] = tensor
    return found


def laion_to_transformers(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """A LAION-CLAP state dict as one of `transformers.ClapModel`.

    Official: `laion_clap/clap_module/model.py: CLAP`
    Taught in: notebooks/12_real_weights.ipynb
    """
    tower = under(tensors, "audio_branch.")
    found = {
        f"audio_model.audio_encoder.{k}": v
        for k, v in htsat_to_transformers(tower).items()
    }
    for name, tensor in tensors.items():
        if name.startswith(("audio_branch.", "audio_transform.", "text_transform.")):
            continue
        if not name.endswith("position_ids"):
            name = name.replace("text_branch.", "text_model.")
            name = name.replace("_projection.0.", "_projection.linear1.")
            found[name.replace("_projection.2.", "_projection.linear2.")] = tensor
    return found


def laion_from_transformers(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Inverse of `laion_to_transformers`, for what both have.

    Taught in: notebooks/12_real_weights.ipynb
    """
    start = "audio_model.audio_encoder."
    tower = htsat_from_transformers(under(tensors, start))
    found = {f"audio_branch.{name}": tensor for name, tensor in tower.items()}
    for name, tensor in tensors.items():
        if not name.startswith(start):
            name = name.replace("text_model.", "text_branch.")
            name = name.replace("_projection.linear1.", "_projection.0.")
            found[name.replace("_projection.linear2.", "_projection.2.")] = tensor
    return found


def has_fusion(tensors: dict[str, Tensor]) -> bool:
    """Whether a checkpoint's tower was made with fusion, whatever its prefix.

    Taught in: notebooks/12_real_weights.ipynb
    """
    return any(part in f".{name}." for name in tensors for part in FUSION)


def under(tensors: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, without that beginning."""
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
