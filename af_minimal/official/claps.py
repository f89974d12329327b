"""The published CLAPs as encoders of windows: ClapCap (AF1), AF-CLAP (AF2), LAION-CLAP.

    kind      rate      window  features of a window          its mel filters
    clapcap   44.1 kHz  7 s     1 x 1024, not normalised      for 32 kHz, see below
    afclap    16 kHz    10 s    64 x 2048, not normalised     HTK
    laion     48 kHz    10 s    1 x 512, unit norm            Slaney or HTK

All hear samples of 16 bits: in AF1 and AF2 the loader of the data cuts them, after it
has scaled the part that is heard to its peak. Only LAION-CLAP is told the loudness.

The tower is HTSAT in `transformers`. Some things cannot be guessed from the configs.
msclap's HTSAT takes no notice of the config beside it: its filters are made for 32 kHz
and up to 14 kHz, though it hears 44.1 kHz. AF-CLAP's mel comes from torchaudio's
defaults (HTK, no norm), not from the filters inside its checkpoint; so does that of a
LAION-CLAP with fusion, short clips included. And LAION-CLAP repeats a short clip.

This was read in the code of msclap 1.3.4, laion-clap 1.1.7 and the official AF2, and is
tested on random weights; the published files themselves were not at hand.

Taught in: notebooks/12_real_weights.ipynb
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import ClapAudioConfig, ClapAudioModel
from transformers.audio_utils import mel_filter_bank
from transformers.models.clap.modeling_clap import ClapProjectionLayer

from ..audio import log_mel
from ..config import AudioConfig, EncoderConfig
from ..encoders import KINDS, AudioEncoder

AUDIO = {
    "clapcap": AudioConfig(44_100, 7.0, 5.25, 16, "peak"),
    "afclap": AudioConfig(16_000, 10.0, 0.0, 30, "peak"),
    "laion": AudioConfig(48_000, 10.0, 0.0, 1, pad="repeat"),
}
MEL = {  # n_fft, hop, f_min, f_max
    "clapcap": dict(n_fft=1024, mel_hop=320, f_min=50.0, f_max=14_000.0),
    "afclap": dict(n_fft=1024, mel_hop=160, f_min=50.0, f_max=8_000.0),
    "laion": dict(n_fft=1024, mel_hop=480, f_min=50.0, f_max=14_000.0),
}
FILTER_RATE = {"clapcap": 32_000, "afclap": 16_000, "laion": 48_000}  # Hz


class ClapCapHead(nn.Module):
    """y = LayerNorm(a + W2 gelu(a)), a = W1 x: (N, 768) -> (N, 1024).

    Official: `msclap/models/clap.py: Projection`
    Taught in: notebooks/12_real_weights.ipynb
    """

    def __init__(self, width: int, out: int):
        super().__init__()
        self.linear1 = nn.Linear(width, out, bias=False)
        self.linear2 = nn.Linear(out, out, bias=False)
        self.layer_norm = nn.LayerNorm(out)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width) -> (N, out)."""
        a = self.linear1(x)  # (N, out)
        return self.layer_norm(a + self.linear2(F.gelu(a)))


class PublishedCLAP(AudioEncoder):
    """A published CLAP's audio side: front end, HTSAT, and what Flamingo hears of it.

    Taught in: notebooks/12_real_weights.ipynb
    """

    def __init__(self, config: EncoderConfig, audio: AudioConfig):
        tower = ClapAudioModel(tower_config(config))
        super().__init__(config, audio, tower.audio_encoder)
        self.projection = nn.Identity()  # the features are the joint space's
        self.register_buffer("filters", filters_of(config))
        inside = self.tower.num_features
        self.head = nn.Identity()
        if config.kind == "clapcap":
            self.head = ClapCapHead(inside, config.width)
        if config.kind == "laion":
            sizes = ClapAudioConfig(hidden_size=inside, projection_dim=config.width)
            self.head = ClapProjectionLayer(sizes)

    def forward(self, windows: Tensor) -> Tensor:
        """(N, samples) -> (N, E); AF-CLAP (N, 64, E), low frequencies first."""
        windows = in_sixteen_bits(windows)
        mel = log_mel(windows, self.config, filters=self.filters)  # (N, F, M)
        heard = self.tower(mel.unsqueeze(1).to(self.tower.norm.weight.dtype))
        if self.config.kind == "afclap":
            return heard.last_hidden_state.flatten(2).transpose(1, 2)  # (N, f * t, E)
        features = self.head(heard.pooler_output)  # (N, E)
        return (
            F.normalize(features, dim=-1) if self.config.kind == "laion" else features
        )

    @torch.no_grad()
    def encode_windows(
        self, windows: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As of `AudioEncoder`; in AF1 padding is silence that was heard, not zero.

        AF1's audio transformer looks at padding too, and its weights were trained so.

        Taught in: notebooks/12_real_weights.ipynb
        """
        if self.config.kind != "clapcap" or mask is None:
            return super().encode_windows(windows, mask)
        windows, mask = torch.as_tensor(windows), torch.as_tensor(mask)
        # of AF1's 128 windows few are real; the rest need not go to the device
        last = mask.reshape(-1, mask.shape[-1]).any(0).nonzero().flatten()[-1:]
        end = int(last.sum()) + 1
        some = windows[..., :end, :], mask[..., :end]
        features, real = super().encode_windows(*some)  # (B, end, E), (B, end)
        rest = mask.shape[-1] - end
        mask = F.pad(real, (0, rest))  # (B, L)
        features = F.pad(features, (0, 0, 0, rest))  # (B, L, E)
        if not mask.all():
            silence = windows.new_zeros(1, 1, self.audio.window)
            features[~mask] = super().encode_windows(silence)[0][0, 0]
        return features, mask


def package_clap(config: EncoderConfig, audio: AudioConfig) -> AudioEncoder:
    """LAION-CLAP as its own package has it; ImportError where that is missing."""
    from .laion import LaionCLAP  # only then

    return LaionCLAP(config, audio)


KINDS |= {kind: PublishedCLAP for kind in AUDIO} | {"laion_package": package_clap}


def in_sixteen_bits(windows: Tensor) -> Tensor:
    """Samples as 16-bit files hold them: clipped, cut off toward zero."""
    return (windows.clamp(-1, 1) * 32_767).trunc() / 32_767


def tower_config(config: EncoderConfig) -> ClapAudioConfig:
    """The sizes of an HTSAT in `transformers`' words."""
    halvings = 2 ** (len(config.htsat_depths) - 1)
    return ClapAudioConfig(
        num_mel_bins=config.n_mels,
        spec_size=config.htsat_spec_size,
        patch_embeds_hidden_size=config.htsat_embed,
        hidden_size=config.htsat_embed * halvings,
        depths=list(config.htsat_depths),
        num_attention_heads=list(config.htsat_heads),
        window_size=8,
        enable_fusion=False,
    )


def filters_of(config: EncoderConfig, fusion: bool = False) -> Tensor:
    """Mel filters (n_fft / 2 + 1, M) of a published CLAP, where none are stored.

    Official: `laion_clap/training/data.py: get_mel`, for LAION-CLAP with fusion
    Taught in: notebooks/12_real_weights.ipynb
    """
    htk = fusion or config.kind == "afclap"
    scale, norm = ("htk", None) if htk else ("slaney", "slaney")
    filters = mel_filter_bank(
        num_frequency_bins=config.n_fft // 2 + 1,
        num_mel_filters=config.n_mels,
        min_frequency=config.f_min,
        max_frequency=config.f_max,
        sampling_rate=FILTER_RATE[config.kind],
        norm=norm,
        mel_scale=scale,
    )
    return torch.from_numpy(filters).float()
