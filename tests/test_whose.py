"""Whose name is it: what is asked, what is blended, where heads are told to look."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from af_minimal.language_model import decoder_layers
from af_minimal.prompts import IGNORE
from af_minimal.soundworld import guidance, whose
from af_minimal.soundworld.corpus import sample_scene
from af_minimal.soundworld.episode_batches import EpisodeBatches
from af_minimal.soundworld.names import EXAM, SCRIPTS, alike_names, few_letters
from af_minimal.soundworld.places import remember, with_sounds
from af_minimal.soundworld.run import STAGES
from af_minimal.soundworld.whose import LEVELS, WhoseBatches, WhoseName
from af_minimal.tokenizer import special_ids
from af_minimal.training import train

COUNT = 400


@pytest.fixture
def batches(scenes, embeddings, student) -> WhoseBatches:
    rng, width = torch.Generator().manual_seed(0), student.config.audio_width
    windows = student.config.windows_per_audio
    features = torch.randn(COUNT, windows, width, generator=rng)
    features = features / features.norm(dim=-1, keepdim=True)
    mask = torch.ones(COUNT, windows, dtype=torch.bool)
    longest = student.lm.config.max_position_embeddings
    sizes = {"audios": 24, "longest": longest, "tokens": 600}
    return WhoseBatches(scenes, embeddings, student.tokenizer, features, mask, **sizes)


def test_heads_that_look_back_start_with_one_map_for_both(student):
    model = deepcopy(student)
    before = deepcopy(model.state_dict())
    guidance.start_alike(model)
    *others, one, two = decoder_layers(model.lm)
    for layer in (one, two):
        attention = layer.decoder_layer.self_attn
        rows = guidance.LOOK_BACK * attention.head_dim
        assert torch.equal(
            attention.q_proj.weight[:rows], attention.k_proj.weight[:rows]
        )
        assert not attention.k_proj.bias[:rows].any()
    changed = {n for n, t in model.state_dict().items() if not t.equal(before[n])}
    assert all("k_proj" in name or "q_proj.bias" in name for name in changed)
    hidden = torch.randn(1, 5, attention.embed_dim)  # (B, T, D)
    q, k = (proj(hidden)[..., :rows] for proj in (attention.q_proj, attention.k_proj))
    assert torch.equal(q, k)


@pytest.mark.parametrize("level", LEVELS)
def test_the_right_name_is_among_the_examples(scenes, embeddings, level):
    level = replace(level, careless=0.0)
    draw, rng = WhoseName(scenes, embeddings, level), np.random.default_rng(1)
    same = blended = 0
    for _ in range(300):
        shots = int(rng.integers(level.shots[0], level.shots[1] + 1))
        episode = draw(rng, shots)
        *shown, asked = episode.outputs
        assert len(shown) == shots and asked in shown
        assert level.names[0] <= len(set(shown)) <= level.names[1]
        heard = list(zip(episode.places, episode.blends, strict=True))
        same += heard[-1] in heard[:-1]
        blended += any(episode.blends)
        for i, name in enumerate(episode.outputs):
            assert episode.learn[i] == (name in episode.outputs[:i])
    # more may be the same by chance: a class has few clips here
    assert same / 300 > 1 - (1 - level.same) * (1 - whose.ANY_SCENE) - 0.1
    assert blended / 300 == pytest.approx(
        whose.BLENDED * (1 - whose.ANY_SCENE), abs=0.1
    )


def test_a_wrong_name_is_shown_and_not_learnt(scenes, embeddings):
    level = replace(LEVELS[-1], careless=1.0)
    draw, rng = WhoseName(scenes, embeddings, level), np.random.default_rng(4)
    wrong, taught = [], []
    for _ in range(300):
        episode = draw(rng, 8)
        pairs = list(zip(episode.rightful, episode.outputs, strict=True))
        wrong += [right != said for right, said in pairs[:-1]]
        taught.append(episode.learn[-1])
        assert pairs[-1][0] == pairs[-1][1]  # what is asked has its right answer
        for i, (right, said) in enumerate(pairs):
            shown = (right, right) in pairs[:i]  # on a sound of its own kind
            assert episode.learn[i] == (right == said and shown)
    # an episode of one name without a strange one has none to confuse it with
    assert np.mean(wrong) == pytest.approx(np.mean(whose.MISNAMED), abs=0.05)
    assert np.mean(taught) > 0.8


def test_guidance_is_told_the_rightful_names(scenes, embeddings, student):
    level = replace(LEVELS[-1], careless=1.0)
    draw = WhoseName(scenes, embeddings, level)
    sounds = torch.zeros(len(scenes), 1, 2), torch.ones(len(scenes), 1, dtype=bool)
    batches = EpisodeBatches(
        draw, student.tokenizer, *sounds, shots=(8, 8), audios=36, tokens=9000
    )
    drawn = []

    def remembered(rng, shots):
        drawn.append(draw(rng, shots))
        return drawn[-1]

    batches.episodes = remembered
    (batch,) = batches.places(0)
    known = {tuple(e.places): e.rightful for e in drawn}
    for row, names in zip(batch["places"].tolist(), batch["names"], strict=True):
        right = known[tuple(row)]
        assert names.tolist() == [right.index(name) for name in right]


def test_one_name_is_one_class_and_one_blend(scenes, embeddings, monkeypatch):
    monkeypatch.setattr(whose, "ANY_SCENE", 0.0)
    level = replace(LEVELS[-1], careless=0.0)
    draw, rng = WhoseName(scenes, embeddings, level), np.random.default_rng(2)
    for _ in range(200):
        episode, met = draw(rng, 8), {}
        for place, blend, name in zip(
            episode.places, episode.blends, episode.outputs, strict=True
        ):
            second = blend and (scenes[blend[0]].score.labels, blend[1])
            met.setdefault(name, set()).add(str((scenes[place].score.labels, second)))
        assert all(len(classes) == 1 for classes in met.values())
        assert len({str(classes) for classes in met.values()}) == len(met)


def test_no_class_is_close_to_itself(scenes, embeddings):
    lengths = np.linspace(0.2, 3, len(embeddings))[:, None]  # of means that differ
    draw = WhoseName(scenes, embeddings * lengths, LEVELS[-1])
    assert not any(own in row for own, row in enumerate(draw.close.tolist()))


def test_whole_scenes_bear_names_where_no_class_stands_alone_twice(embeddings):
    few = [sample_scene(seed, {}) for seed in range(2)]
    episode = WhoseName(few, embeddings[:2], LEVELS[-1])(np.random.default_rng(0), 4)
    assert episode.outputs[-1] in episode.outputs[:-1] and len(episode.places) == 5


def test_names_that_are_alike_share_their_letters():
    rng = np.random.default_rng(0)
    for _ in range(100):
        names = alike_names(rng, 6)
        assert len(set(names)) == 6 and not any(map(EXAM.fullmatch, names))
        letters = set("".join(names))
        assert len(letters - set("aeiou")) <= 7 or not letters & set("aeiou")


@pytest.mark.parametrize("script", SCRIPTS)
def test_few_letters_are_different_ones(script):
    """Of one letter alone there would be three names, and no fourth to find."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        letters = few_letters(rng, script)
        assert len(set(letters)) == len(letters) >= 3


def test_a_blend_lies_between_two_sounds_and_keeps_its_length():
    features = torch.tensor([[[3.0, 0.0]] * 2, [[0.0, 1.0]] * 2])  # (N, L, E)
    mask = torch.tensor([[True, True], [True, False]])
    batch = {"places": [[0, 0, -1]], "seconds": [[1, -1, -1]], "shares": [[0.5, 0, 0]]}
    batch = {name: torch.tensor(rows) for name, rows in batch.items()}
    heard = with_sounds(batch, features, mask)
    sounds = heard["audio_features"].view(3, 2, 2)
    between = 3 * torch.tensor([3.0, 1.0]) / 10**0.5
    assert torch.allclose(sounds[0, 0], between)
    assert sounds[0, 1].tolist() == [3, 0]  # the second scene is over
    assert sounds[1].tolist() == [[3, 0]] * 2 and sounds[2].tolist() == [[0, 0]] * 2
    assert heard["audio_mask"].tolist() == [[True] * 4 + [False] * 2]


def test_levels_follow_each_other(batches):
    for level, own in zip(LEVELS, batches.batches, strict=True):
        assert own.shots == level.shots
    (first,), (last,) = batches.places(0), batches.places(10**6)
    assert first["places"].shape[1] == 3  # two examples and the query
    assert (last["labels"] != IGNORE).any(1).all()
    assert last["names"].shape == last["seconds"].shape == last["places"].shape


def test_guidance_reads_the_weights_that_the_layer_used(batches, student):
    sep = special_ids(student.tokenizer)["sep"]
    (batch,) = batches.places(LEVELS[1].until)
    names, ids = batch.pop("names"), batch["input_ids"]
    sounds = batches.batches[0].features, batches.batches[0].mask
    model = deepcopy(student)  # the others keep their kernel
    attention = guidance.looking_back(model)[-1]
    kept = {}

    def keep(module, args, said, out):
        kept["hidden"], kept["weights"] = said["hidden_states"], out[1]

    model.lm.set_attn_implementation("eager")
    hook = attention.register_forward_hook(keep, with_kwargs=True)
    with torch.no_grad():
        model(**with_sounds(batch, *sounds))
        mass = guidance.name_mass(attention, kept["hidden"], ids, names, sep)
    hook.remove()
    wanted = []
    for row, of, weights in zip(ids, names, kept["weights"], strict=True):
        at = (row == sep).nonzero().flatten().tolist()
        for i, name in enumerate(of.tolist()):
            if name < 0:  # a row with fewer examples: its names were long
                continue
            before = [at[j] + 1 for j in range(i) if of[j] == name]
            if before:
                wanted.append(weights[: guidance.LOOK_BACK, at[i], before].sum(1))
    assert torch.allclose(mass, torch.stack(wanted), atol=1e-6)


def test_guidance_leaves_other_batches_alone(batches, student):
    sep = special_ids(student.tokenizer)["sep"]
    (batch,) = batches.places(0)
    sounds = batches.batches[0].features, batches.batches[0].mask
    named = with_sounds(batch, *sounds)
    plain = {key: value for key, value in named.items() if key != "names"}
    with torch.no_grad():
        loss = student(**plain).loss
        hooks = guidance.guide(student, sep)
        assert torch.equal(student(**plain).loss, loss)
        assert student(**named).loss > loss + 0.1
        for hook in hooks:
            hook.remove()
        assert torch.equal(student(**plain).loss, loss)


def test_heads_learn_to_look_where_they_are_told(batches, student):
    model = deepcopy(student)
    model.encoder, sep = None, special_ids(student.tokenizer)["sep"]
    remember(model, batches.batches[0].features, batches.batches[0].mask)
    guidance.guide(model, sep)
    stage = replace(STAGES["sft"], steps=30, lr=3e-3, warmup=5, precision="no")
    log = train(model, batches.places, stage, progress=False)
    losses = [row["loss"] for row in log]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.5
