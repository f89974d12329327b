"""Contrastive language-audio pre-training: sounds and sentences in one space.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

import math
import os
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import AudioConfig, EncoderConfig
from .disk.storage import load_exactly, read_tensors, save_tensors
from .encoders import AudioEncoder, build_encoder
from .scale.processes import everyones, share
from .towers import masked_mean

TEXT_FILE = "clap_text.safetensors"  # beside the model, which holds the encoder


def contrastive_loss(
    audio_embeds: Tensor, text_embeds: Tensor, logit_scale: Tensor
) -> Tensor:
    """Symmetric cross-entropy over all pairs of a batch (CLIP's and CLAP's loss).

        loss = (CE(s A T^t, diagonal) + CE(s T A^t, diagonal)) / 2

    Args:
        audio_embeds: (B, C), unit norm, row i belongs to row i of the text.
        text_embeds: (B, C), unit norm.
        logit_scale: scalar, the inverse temperature s.

    Raises:
        ValueError: when the two do not have the same shape.

    Official: `laion_clap/clap_module/loss.py: ClipLoss`
    Taught in: notebooks/02_clap_from_scratch.ipynb
    """
    if audio_embeds.shape != text_embeds.shape:
        raise ValueError(
            f"audio embeddings are {tuple(audio_embeds.shape)} and text embeddings "
            f"{tuple(text_embeds.shape)}; each sound needs exactly one sentence."
        )
    logits = logit_scale * audio_embeds @ text_embeds.T  # (B, B)
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def near_miss_loss(
    audio_embeds: Tensor, right: Tensor, wrong: Tensor, logit_scale: Tensor
) -> Tensor:
    """How surprised each sound is that its right sentence is the right one of two.

        loss = mean of -log sigmoid(s (a . right - a . wrong))

    Args:
        audio_embeds, right, wrong: (P, C), unit norm.
        logit_scale: scalar, the inverse temperature s.

    AF2's encoder has its wrong sentences in the denominator of the contrastive loss;
    here each stands alone against the right one.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """
    margin = logit_scale * (audio_embeds * (right - wrong)).sum(-1)  # (P,)
    return F.softplus(-margin).sum() / max(1, len(margin))


class TextTower(nn.Module):
    """A small RoBERTa (the text side of `transformers`' CLAP) and a projection.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """

    max_tokens = 96

    def __init__(self, config: EncoderConfig, vocab: int, pad_id: int):
        super().__init__()
        from transformers import ClapTextConfig, ClapTextModel

        sizes = ClapTextConfig(
            vocab_size=vocab,
            hidden_size=config.text_width,
            num_hidden_layers=config.text_layers,
            num_attention_heads=config.text_heads,
            intermediate_size=4 * config.text_width,
            max_position_embeddings=self.max_tokens + pad_id + 1,
            pad_token_id=pad_id,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        self.roberta = ClapTextModel(sizes)
        self.projection = nn.Linear(config.text_width, config.embed_dim)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(B, T) ids and mask -> (B, C) unit norm."""
        hidden = self.roberta(input_ids, attention_mask).last_hidden_state  # (B, T, D)
        return F.normalize(self.projection(masked_mean(hidden, attention_mask)), dim=-1)


class MiniCLAP(nn.Module):
    """Two towers and a temperature.

    Official: `laion_clap/clap_module/model.py: CLAP`
    Taught in: notebooks/02_clap_from_scratch.ipynb
    """

    def __init__(self, config: EncoderConfig, audio: AudioConfig, tokenizer):
        super().__init__()
        self.encoder: AudioEncoder = build_encoder(config, audio)
        self.text = TextTower(config, len(tokenizer), tokenizer.pad_token_id)
        self.tokenizer = tokenizer
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    @property
    def logit_scale(self) -> Tensor:
        """Inverse temperature, at most 100 as in CLIP."""
        return self.log_scale.exp().clamp(max=100)

    def forward(
        self,
        windows: Tensor,
        input_ids: Tensor,
        attention_mask: Tensor,
        contrast_rows: Tensor | None = None,
        contrast_input_ids: Tensor | None = None,
        contrast_attention_mask: Tensor | None = None,
    ) -> Tensor:
        """The loss of B windows and their B sentences, and of near misses if given.

        Args:
            windows: (B, samples).
            input_ids, attention_mask: (B, T), one sentence for each window.
            contrast_rows: (P,) the window that each near miss is about.
            contrast_input_ids, contrast_attention_mask: (2 * P, T), P right sentences
                and then the same P, each wrong in one thing.

        Taught in: notebooks/02_clap_from_scratch.ipynb
        """
        features = self.encoder(windows).unsqueeze(1)  # (B, 1, E) or (B, 1, n, E)
        real = features.new_ones(len(features), 1, dtype=torch.bool)  # (B, 1)
        audio = self.encoder.pool(features, real).float()  # (B, C)
        text = self.text(input_ids, attention_mask).float()  # (B, C)
        with torch.autocast(audio.device.type, enabled=False):  # small things count
            audio = everyones(audio)  # of all processes: in a batch, rows meet
            loss = contrastive_loss(audio, everyones(text), self.logit_scale)
        if contrast_rows is None:
            return loss
        both = self.text(contrast_input_ids, contrast_attention_mask).float()  # (2P, C)
        right, wrong = both.chunk(2)  # (P, C) each
        with torch.autocast(audio.device.type, enabled=False):
            heard = audio[contrast_rows]  # (P, C)
            miss = near_miss_loss(heard, right, wrong, self.logit_scale)
            return loss + share(contrast_rows.new_tensor(len(heard))) * miss

    def tokenize(self, texts: list[str]) -> dict[str, Tensor]:
        """Lower-cased, padded to the longest, cut at the tower's length.

        Taught in: notebooks/02_clap_from_scratch.ipynb
        """
        batch = self.tokenizer(
            [text.lower() for text in texts],
            padding=True,
            truncation=True,
            max_length=self.text.max_tokens,
            padding_side="right",
            return_tensors="pt",
        )
        return {k: batch[k] for k in ("input_ids", "attention_mask")}

    @torch.no_grad()
    def embed_text(self, texts: list[str]) -> Tensor:
        """Unit-norm embeddings (N, C) of sentences.

        Taught in: notebooks/02_clap_from_scratch.ipynb
        """
        device = self.log_scale.device
        batch = {k: v.to(device) for k, v in self.tokenize(texts).items()}
        return self.text(**batch)

    @torch.no_grad()
    def zero_shot(self, audio_embeds: Tensor, labels: list[str]) -> Tensor:
        """Cosine of each clip with "the sound of {label}": (B, labels).

        Taught in: notebooks/02_clap_from_scratch.ipynb
        """
        prompts = self.embed_text([f"the sound of {label}." for label in labels])
        return audio_embeds @ prompts.T


def save_clap(clap: MiniCLAP, folder: str | Path, dtype=torch.float16) -> None:
    """Save the text tower beside a saved model, which already holds the encoder.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """
    tensors = {
        name: value.to(dtype) if value.is_floating_point() else value
        for name, value in clap.state_dict().items()
        if not name.startswith("encoder.")
    }
    path = Path(folder) / TEXT_FILE
    save_tensors(tensors, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def load_clap(encoder: AudioEncoder, tokenizer, folder: str | Path) -> MiniCLAP:
    """The shipped towers: the encoder of a loaded model and the text tower beside it.

    Raises:
        FileNotFoundError: when the folder has no text tower.
        ValueError: when the text tower there is of another size, or damaged.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """
    path = Path(folder) / TEXT_FILE
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist; a folder that `train` finished has one."
        )
    clap = MiniCLAP(encoder.config, encoder.audio, tokenizer)
    clap.encoder = encoder
    heard = {f"encoder.{name}": value for name, value in encoder.state_dict().items()}
    load_exactly(clap, heard | read_tensors(path), set())
    return clap.to(next(encoder.parameters()).device).eval()
