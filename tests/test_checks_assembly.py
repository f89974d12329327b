"""The exercise checks and figures of the notebooks 06 to 08."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from af_minimal.course import checks_assembly as check
from af_minimal.course import figures_text, figures_training, viz

IGNORE = -100


def forgets_the_norms(width, audio_width, heads, head_width, ff_mult):
    inner = heads * head_width
    return 2 * width * inner + 2 * audio_width * inner + 2 * ff_mult * width**2


def one_gate(*sizes):
    return check.block_parameters.reference(*sizes) - 1


def no_shift(logits, labels):
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())


def counts_ignored(logits, labels):
    loss = check.next_token_loss.reference(logits, labels)
    return loss * (labels != IGNORE).sum() / labels.numel()


def deaf(model, input_ids, features, mask, new):
    return check.greedy.reference(model, input_ids, None, None, new)


def forgets_the_mask(model, input_ids, features, mask, new):
    return check.greedy.reference(model, input_ids, features * 9, None, new)


def unshuffled(datasets, weights, global_weight, epoch):
    items = []
    for name, weight in weights.items():
        share, size = weight * global_weight, len(datasets[name])
        rows = range(int(epoch * size * share), int((epoch + 1) * size * share))
        items += [datasets[name][i % size] for i in rows]
    return items


def with_the_fault(datasets, weights, global_weight, epoch):
    return check.blend.reference(datasets, weights, global_weight, epoch, True)


def no_warmup(step, config):
    return check.lr_factor.reference(max(step, config.warmup), config)


def never_constant(step, config):
    return check.lr_factor.reference(step, type(config)("lm", 50, 1e-3, 10))


def every_other_row(batch, parts):
    return [{k: v[i::parts] for k, v in batch.items()} for i in range(parts)]


def all_in_each(batch, parts):
    return [batch] * parts


PLANTED = {
    "block_parameters": (forgets_the_norms, one_gate),
    "next_token_loss": (no_shift, counts_ignored),
    "greedy": (deaf, forgets_the_mask),
    "blend": (unshuffled, with_the_fault),
    "lr_factor": (no_warmup, never_constant),
    "split_batch": (every_other_row, all_in_each),
}


def test_every_check_has_planted_wrong_answers():
    assert set(PLANTED) == set(check.ASSEMBLY)


@pytest.mark.parametrize("name", check.ASSEMBLY)
def test_check_accepts_the_reference(name, capsys):
    one = check.ASSEMBLY[name]

    def copy(*arguments):
        return one.reference(*arguments)

    assert one(copy) is copy
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(
    ("name", "wrong"), [(n, w) for n, ws in PLANTED.items() for w in ws]
)
def test_check_rejects_planted_wrong_answers(name, wrong, capsys):
    one = check.ASSEMBLY[name]
    assert one(wrong) is one.reference
    assert capsys.readouterr().out.startswith("✗")


def test_reveal_knows_the_exercises_of_all_notebooks(monkeypatch):
    codes = []
    monkeypatch.setattr("IPython.display.display", lambda c: codes.append(c.data))
    check.reveal("greedy")
    check.reveal("build_labels")
    assert "argmax" in codes[0] and codes[1].startswith("def build_labels")
    with pytest.raises(ValueError, match="No exercise is called 'loss'"):
        check.reveal("loss")


def test_tokens_break_into_rows_and_keep_their_order():
    places, rows = figures_text.lay_out(["abcd"] * 40)
    assert rows == 2
    assert [(r, c) for r, c, _ in places] == sorted((r, c) for r, c, _ in places)
    assert max(c + 4 for _, c, _ in places) <= figures_text.COLUMNS


def test_figures_have_ink_and_words_for_those_who_cannot_see(monkeypatch):
    shown = []
    monkeypatch.setattr(figures_text, "show", lambda f, alt: shown.append((f, alt)))
    monkeypatch.setattr(figures_training, "show", lambda f, alt: shown.append((f, alt)))
    figures_text.label_picture(["a", "<audio>", "$b\n"], [1, IGNORE, 3], "title")
    figures_text.count_bars({"ours": [1, 2], "theirs": [0, 3]})
    log = [{"loss": float(i)} for i in range(12)]
    figures_training.compare_losses({"one": log, "two": log}, smooth=3)
    figures_training.lr_curves({"cosine": [0, 1, 0.5]}, warmup=1)
    assert len(shown) == 4
    for figure, alt in shown:
        pixels = np.asarray(Image.open(io.BytesIO(viz.png(figure))))
        assert pixels[..., :3].std() > 5 and len(alt) > 15
    assert "2 of 3 tokens are learnt" in shown[0][1]
    with pytest.raises(ValueError, match="2 tokens came with 1 labels"):
        figures_text.label_picture(["a", "b"], [1])
