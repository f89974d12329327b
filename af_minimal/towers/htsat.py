"""HTSAT, the tower of the real CLAPs, at any size.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

from torch import Tensor, nn

from ..config import EncoderConfig


class HTSATTower(nn.Module):
    """The hierarchical token-semantic audio transformer, from `transformers`, any size.

    Pooled, a window is one vector. Dense, the last grid of tokens is read as `steps`
    vectors, all time steps of the low frequencies first, as AF2 flattens it.

    Official: `laion_clap/clap_module/htsat.py`; here `transformers.ClapAudioModel`
    Taught in: notebooks/02_clap_from_scratch.ipynb
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        from transformers import ClapAudioConfig, ClapAudioModel

        halvings = 2 ** (len(config.htsat_depths) - 1)
        width = config.htsat_embed * halvings
        last = config.htsat_spec_size // 4 // halvings  # side of the last token grid
        sizes = ClapAudioConfig(
            num_mel_bins=config.n_mels,
            spec_size=config.htsat_spec_size,
            patch_embeds_hidden_size=config.htsat_embed,
            hidden_size=width,
            depths=list(config.htsat_depths),
            num_attention_heads=list(config.htsat_heads),
            window_size=min(8, last),
            enable_fusion=False,
        )
        self.htsat = ClapAudioModel(sizes)
        self.out = nn.Linear(width, config.width)
        self.steps = config.steps

    def forward(self, mel: Tensor) -> Tensor:
        """(N, F, M) log-mel -> (N, E); dense (N, n, E).

        Raises ValueError when the tower ends in other than `steps` tokens.
        """
        heard = self.htsat(mel.unsqueeze(1), is_longer=None)
        if self.steps == 1:
            return self.out(heard.pooler_output.flatten(1))  # (N, E)
        grid = heard.last_hidden_state.flatten(2).transpose(1, 2)  # (N, f * t, width)
        if grid.shape[1] != self.steps:
            raise ValueError(
                f"this HTSAT ends in {grid.shape[1]} tokens; encoder.steps is "
                f"{self.steps}. Set it to that number, or to 1 for one vector a window."
            )
        return self.out(grid)  # (N, n, E)
