"""Audio Flamingo, assembled: encoder, audio transformer, a language model that hears.

The language model is a Hugging Face class as it is; each of its decoder layers gets a
gated block before it. Nothing about the audio is parked in a layer: features, masks,
keys and values are arguments all the way down.

Taught in: notebooks/06_the_audio_flamingo.ipynb
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.utils import ModelOutput

from .audio_transformer import AudioTransformer
from .config import FlamingoConfig
from .disk.storage import load_exactly, model_folder, read_folder, write_folder
from .encoders import build_encoder, in_one_row
from .language_model import AudioContext, build_lm, decoder_layers, may_hear
from .xattn import GatedCrossAttentionBlock


@dataclass
class FlamingoOutput(ModelOutput):
    """What `AudioFlamingo.forward` returns."""

    loss: Tensor | None = None  # mean cross-entropy of the labels that are not -100
    logits: Tensor | None = None  # (B, T, V)
    audio_weights: tuple[Tensor, ...] | None = None  # (B, H, T, L) of each gated block


class AudioFlamingo(nn.Module):
    """Encoder features in, text out.

    Official: foundation/src/flamingo.py Flamingo
    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """

    def __init__(self, config: FlamingoConfig, encoder: nn.Module | None = None):
        super().__init__()
        self.config = config
        self.encoder = encoder  # an AudioEncoder; `forward` takes its features
        self.tokenizer = None
        self.audio_transformer = AudioTransformer(
            config.audio_width,
            config.audio_layers,
            config.audio_heads,
            config.audio_ff,
            config.max_positions,
            config.audio_dropout,
            config.isolate_audios,
            config.positions,
        )
        self.lm = build_lm(config)

    @property
    def gated_blocks(self) -> list[GatedCrossAttentionBlock]:
        """The gated blocks, bottom up."""
        blocks = [layer.gated_cross_attn_layer for layer in decoder_layers(self.lm)]
        return [block for block in blocks if block is not None]

    def get_input_embeddings(self) -> nn.Embedding:
        """The language model's token embedding."""
        return self.lm.get_input_embeddings()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        audio_features: Tensor | None = None,
        audio_mask: Tensor | None = None,
        labels: Tensor | None = None,
        need_weights: bool = False,
        position_ids: Tensor | None = None,
    ) -> FlamingoOutput:
        """Logits of the next token at every position, and the loss.

        Args:
            input_ids: (B, T).
            attention_mask: (B, T), True = real token; padding on either side.
            audio_features: (B, L, E) of the encoder, all audios of an example in order,
                or dense (B, L, n, E); None makes this the bare language model.
            audio_mask: bool (B, L), True = real window; None means that all are real.
            labels: (B, T), -100 where nothing is learnt; not shifted.
            need_weights: also return what every gated block looked at.
            position_ids: (B, T), where each token stands; None counts real tokens.

        Raises ValueError when the text is too long or the audio has the wrong shape.

        Taught in: notebooks/06_the_audio_flamingo.ipynb
        """
        self._check_length(input_ids, attention_mask)
        context = None
        if audio_features is not None:
            audio, audio_mask = self._audio(input_ids, audio_features, audio_mask)
            mask = may_hear(self.config, input_ids, audio_mask)  # (B, T, L)
            context = AudioContext(mask, audio, weights=[] if need_weights else None)
        logits = self.lm(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            audio=context,
            use_cache=False,
        ).logits  # (B, T, V)
        loss = None
        if labels is not None:  # position t predicts token t + 1
            guesses = logits[:, :-1].flatten(0, 1).float()  # (B*(T-1), V)
            loss = F.cross_entropy(guesses, labels[:, 1:].flatten())
        weights = tuple(context.weights) if context and need_weights else None
        return FlamingoOutput(loss=loss, logits=logits, audio_weights=weights)

    @torch.no_grad()
    def generate(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        audio_features: Tensor | None = None,
        audio_mask: Tensor | None = None,
        **kwargs,
    ) -> Tensor:
        """Hugging Face `generate`, hearing: greedy, sampling, beams, batches.

        Prompts of different lengths are padded on the left. The keys and values of the
        audio are computed once, before the first token. `kwargs` go to Hugging Face.

        Taught in: notebooks/06_the_audio_flamingo.ipynb
        """
        self._check_length(input_ids, attention_mask, kwargs.get("max_new_tokens") or 0)
        if audio_features is not None:
            kwargs |= self.hears(input_ids, audio_features, audio_mask)
        return self.lm.generate(input_ids, attention_mask=attention_mask, **kwargs)

    def hears(
        self, input_ids: Tensor, audio_features: Tensor, audio_mask: Tensor | None
    ) -> dict[str, Tensor]:
        """What `lm.generate` needs of the audio, for as long as it is talked about.

        Taught in: notebooks/06_the_audio_flamingo.ipynb
        """
        audio, audio_mask = self._audio(input_ids, audio_features, audio_mask)
        # padding behind the last real audio would cost time with every new token
        end = max(audio_mask.any(0).nonzero().flatten().tolist(), default=0) + 1
        audio, audio_mask = audio[:, :end], audio_mask[:, :end]
        blocks = [block.attn.keys_values(audio) for block in self.gated_blocks]
        if self.config.location_mask:
            # a prompt without <audio> hears nothing, even if it writes <audio> itself
            asked = (input_ids == self.config.audio_token_id).any(1, keepdim=True)
            audio_mask = audio_mask & asked  # (B, L)
        return {
            "audio_keys_values": torch.stack(blocks, 1),  # (B, N, 2, H, L, K)
            "audio_mask": audio_mask,  # (B, L)
        }

    def ask(self, clip, question, examples=None, **kwargs) -> str | list[str]:
        """Answer about a clip, as `generation.ask` and `official.asking.ask` do."""
        from .official.asking import ask

        return ask(self, clip, question, examples, **kwargs)

    def chat(self, clip, **kwargs):
        """A conversation about a clip, an `official.asking.Chat`."""
        from .official.asking import Chat

        return Chat(self, clip, **kwargs)

    def save_pretrained(self, path: str | Path, dtype: torch.dtype | None = None):
        """Write weights (safetensors), config and tokenizer (json) into a folder.

        Tied weights are stored once. `dtype` is that of the parameters on disk; the
        table of positions keeps its own.

        Taught in: notebooks/06_the_audio_flamingo.ipynb
        """
        tensors = self.state_dict()
        for name, parameter in self.named_parameters():
            tensors[name] = parameter.detach().to(dtype or parameter.dtype)
        tensors = {k: v for k, v in tensors.items() if k not in self.tied_names}
        write_folder(path, tensors, self.config, self.tokenizer)

    @classmethod
    def load(cls, path: str | Path) -> "AudioFlamingo":
        """Inverse of `save_pretrained`; float32, in eval mode.

        Raises FileNotFoundError when the folder holds no model.

        Taught in: notebooks/06_the_audio_flamingo.ipynb
        """
        config, tensors, tokenizer = read_folder(path)
        has_encoder = any(name.startswith("encoder.") for name in tensors)
        encoder = build_encoder(config.encoder, config.audio) if has_encoder else None
        model = cls(config, encoder)
        load_exactly(model, tensors, model.tied_names)
        model.tokenizer = tokenizer
        return model.eval()

    @property
    def tied_names(self) -> set[str]:
        """Names whose tensor is another one's: the head, where it is the embedding."""
        return {"lm.lm_head.weight"} if self.lm.config.tie_word_embeddings else set()

    def _audio(self, input_ids, features, mask) -> tuple[Tensor, Tensor]:
        """Check the audio, send it through the transformer: (B, L, E) and (B, L).

        Of dense features L counts every vector of every window.
        """
        config = self.config
        if config.audio_token_id is None and config.location_mask:
            raise ValueError("audio_token_id is None: set it to the id of <audio>.")
        n = features.shape[2] if features.dim() == 4 else 1  # vectors of a window
        fits = n == config.encoder.steps or not config.location_mask  # or it miscounts
        if not fits or features.dim() not in (3, 4) or len(features) != len(input_ids):
            raise ValueError(
                f"audio_features have shape {tuple(features.shape)} for "
                f"{len(input_ids)} rows of text; expected (B, L, E), or dense "
                f"(B, L, n, E), n = {config.encoder.steps}, one row for each."
            )
        if mask is None:
            mask = features.new_ones(features.shape[:2], dtype=torch.bool)  # (B, L)
        if mask.shape != features.shape[:2]:
            raise ValueError(
                f"audio_mask has shape {tuple(mask.shape)}; audio_features say "
                f"(B, L) = {tuple(features.shape[:2])}."
            )
        own = self.audio_transformer.layer_norm.weight  # the encoder may differ
        features, mask = in_one_row(features.to(own), mask.to(own.device, torch.bool))
        # without a location mask nothing says where an audio ends: a row is one audio
        one = config.tokens_per_audio if config.location_mask else max(mask.shape[1], 1)
        return self.audio_transformer(features, mask, one), mask  # (B, L, E), (B, L)

    def _check_length(self, input_ids, attention_mask, new: int = 0) -> None:
        length, limit = input_ids.shape[1], self.lm.config.max_position_embeddings
        if length + new > limit and attention_mask is not None:
            length = int(attention_mask.sum(1).max())  # padding needs no position
        if length + new > limit:
            raise ValueError(
                f"the text needs {length + new} positions ({length} tokens given, "
                f"{new} to be generated); the language model has {limit}. Shorten the "
                "prompt, give fewer examples or ask for fewer new tokens."
            )


def load(name_or_path: str | Path) -> AudioFlamingo:
    """A trained model, shipped or in a folder; `af.load` takes published ones too.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    return AudioFlamingo.load(model_folder(name_or_path))
