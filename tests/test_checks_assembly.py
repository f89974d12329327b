"""The exercise checks and figures of the notebooks 06 to 08."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from af_minimal.course import checks_assembly as check
from af_minimal.course import figures_text, figures_training, viz
from af_minimal.stages import freeze

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


def mean_of_rows(logits, labels):
    rows = zip(logits, labels, strict=True)
    loss = check.next_token_loss.reference
    return torch.stack([loss(g[None], row[None]) for g, row in rows]).mean()


def flat_before_the_shift(logits, labels):
    guesses, truth = logits.flatten(0, 1)[:-1], labels.flatten()[1:]
    return torch.nn.functional.cross_entropy(guesses, truth)


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


def in_order_of_the_datasets(datasets, weights, global_weight, epoch):
    weights = {name: weights[name] for name in datasets}
    return check.blend.reference(datasets, weights, global_weight, epoch)


def with_the_fault(datasets, weights, global_weight, epoch):
    return check.blend.reference(datasets, weights, global_weight, epoch, True)


def no_warmup(step, config):
    return check.lr_factor.reference(max(step, config.warmup), config)


def never_constant(step, config):
    return check.lr_factor.reference(step, type(config)("lm", 50, 1e-3, 10))


def down_in_a_line(step, config):
    if step < config.warmup or config.schedule == "constant":
        return check.lr_factor.reference(step, config)
    return 1 - (step - config.warmup) / (config.steps - config.warmup)


def up_in_a_curve(step, config):
    if step >= config.warmup:
        return check.lr_factor.reference(step, config)
    return 0.5 - 0.5 * np.cos(np.pi * step / config.warmup)


def every_other_row(batch, parts):
    return [{k: v[i::parts] for k, v in batch.items()} for i in range(parts)]


def all_in_each(batch, parts):
    return [batch] * parts


def pads_the_labels_with_zero(samples, pad):
    batch = check.collate.reference(samples, pad)
    return batch | {"labels": batch["labels"].masked_fill(batch["labels"] < 0, 0)}


def pads_text_on_the_left(samples, pad):
    batch = check.collate.reference(samples, pad)
    rows = [torch.as_tensor(sample.input_ids) for sample in samples]
    pad_left = {"padding_value": pad, "padding_side": "left"}
    left = torch.nn.utils.rnn.pad_sequence(rows, True, **pad_left)
    return batch | {"input_ids": left}


def hears_the_padding(samples, pad):
    batch = check.collate.reference(samples, pad)
    return batch | {"audio_mask": torch.ones_like(batch["audio_mask"])}


def takes_the_blocks_for_language_model(name, stage):
    part = name.split(".")[0]
    parts = {"encoder": "encoder", "audio_transformer": "audio transformer"}
    parts |= {"lm": "language model", "text": "text tower", "log_scale": "text tower"}
    return parts[part] in check.trained_parts(stage)


def everything_learns_in_sft(name, stage):
    return stage == "sft" or check.learns.reference(name, stage)


def forgets_the_temperature(name, stage):
    return name != "log_scale" and check.learns.reference(name, stage)


def equal_shares(labels, parts):
    return torch.full((parts,), 1 / parts)


def counts_the_first_label(labels, parts):
    learnt = (labels != IGNORE).sum(1)
    counts = torch.stack([rows.sum() for rows in learnt.chunk(parts)])
    return counts / counts.sum()


def counts_only(labels, parts):
    learnt = (labels[:, 1:] != IGNORE).sum(1)
    return torch.stack([rows.sum() for rows in learnt.chunk(parts)])


PLANTED = {
    "block_parameters": (forgets_the_norms, one_gate),
    "next_token_loss": (
        no_shift,
        counts_ignored,
        mean_of_rows,
        flat_before_the_shift,
    ),
    "greedy": (deaf, forgets_the_mask),
    "blend": (unshuffled, in_order_of_the_datasets, with_the_fault),
    "collate": (pads_the_labels_with_zero, pads_text_on_the_left, hears_the_padding),
    "learns": (
        takes_the_blocks_for_language_model,
        everything_learns_in_sft,
        forgets_the_temperature,
    ),
    "lr_factor": (no_warmup, never_constant, down_in_a_line, up_in_a_curve),
    "split_batch": (every_other_row, all_in_each),
    "fair_shares": (equal_shares, counts_the_first_label, counts_only),
}


def test_every_check_has_planted_wrong_answers():
    assert set(PLANTED) == set(check.ASSEMBLY)
    assert set(check.__all__) == {"build_labels", "reveal", *check.ASSEMBLY}
    assert all(len(wrong) >= 2 for wrong in PLANTED.values())


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


def test_an_unsolved_stub_lets_the_notebook_go_on(capsys):
    def stub(*arguments):
        raise NotImplementedError

    for one in check.ASSEMBLY.values():
        assert one(stub) is one.reference
    assert capsys.readouterr().out.count("not solved yet") == len(check.ASSEMBLY)


def test_a_batch_that_is_no_dict_is_told(capsys):
    check.collate(lambda samples, pad: [1, 2])
    check.collate(lambda samples, pad: {"input_ids": torch.zeros(1)})
    check.collate(pads_the_labels_with_zero)
    said = capsys.readouterr().out
    assert "a dict is expected; a list of 2 came" in said
    assert "'input_ids': the shape is (1,)" in said
    assert "'labels': got 0 at [" in said


def test_a_key_that_is_not_there_is_named():
    def forgets(samples, pad):
        batch = check.collate.reference(samples, pad)
        return {key: batch[key] for key in batch if key != "labels"}

    said = check.collate.first_problem(forgets)
    assert said.startswith("the key 'labels' is missing; there are ['input_ids', ")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda batch, parts: batch, "a list of 1 dict is expected; a dict came."),
        (lambda batch, parts: None, "it returned None: is a `return` missing?"),
        (lambda batch, parts: [], "a list of 1 dict is expected; a list of 0 came."),
        (lambda batch, parts: [{"a": batch["a"]}] * parts, "dict 1 of the list: the k"),
        (every_other_row, "dict 1 of the list: 'a': got 4 at [1, 0], expected 2"),
    ],
)
def test_what_is_no_list_of_micro_batches_is_told(answer, said):
    assert check.split_batch.first_problem(answer).startswith(said)


def test_ids_come_as_lists_and_as_tensors():
    def tensors_only(samples, pad):
        pad_rows = torch.nn.utils.rnn.pad_sequence
        rows = pad_rows([s.input_ids for s in samples], True, pad)
        return check.collate.reference(samples, pad) | {"input_ids": rows}

    assert "it raised" in check.collate.first_problem(tensors_only)


def test_learns_says_what_freeze_does():
    model = check.tiny_hearing_model()
    for stage in ("lm", "pretrain", "sft"):
        freeze(model, stage)
        for name, parameter in model.named_parameters():
            assert check.learns_in_stage(name, stage) == parameter.requires_grad, name


def test_fair_shares_add_up_to_the_loss_of_the_whole_batch():
    g = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3, 10, generator=g)
    for labels, parts in check.fair_shares.make_cases()[1:3]:
        shares = check.learnt_token_shares(labels, parts)
        pieces = zip(logits.chunk(parts), labels.chunk(parts), strict=True)
        losses = torch.stack([check.shifted_loss(*piece) for piece in pieces])
        whole = check.shifted_loss(logits, labels)
        torch.testing.assert_close((shares * losses).sum(), whole)
        assert not torch.isclose(losses.mean(), whole, atol=1e-3)


def test_reveal_knows_the_exercises_of_all_notebooks(monkeypatch):
    codes = []
    monkeypatch.setattr("IPython.display.display", lambda c: codes.append(c.data))
    check.reveal("greedy")
    check.reveal("build_labels")
    assert "argmax" in codes[0] and codes[1].startswith("def build_labels")
    for name in check.ASSEMBLY:
        check.reveal(name)
    assert all("Taught in: notebooks/0" in code for code in codes)
    with pytest.raises(ValueError, match="No exercise is called 'loss'"):
        check.reveal("loss")


def test_tokens_break_into_rows_and_keep_their_order():
    places, rows = figures_text.lay_out(["abcd"] * 40)
    assert rows == 3  # 16 tokens of four characters and a gap fit in a row of 82
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
