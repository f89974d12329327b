"""Few-shot episodes: what is a name, what is learnt, who stands among the examples."""

import numpy as np
import pytest
import torch

from af_minimal.prompts import AUDIO, EOC, IGNORE, SEP, clean
from af_minimal.soundworld import CLASSES, HELD_OUT, Event, Score
from af_minimal.soundworld.batches import gathered, mixed, scattered
from af_minimal.soundworld.corpus import Scene, text_corpus
from af_minimal.soundworld.episode_batches import EpisodeBatches, episode_text
from af_minimal.soundworld.episodes import SHARES, Episodes
from af_minimal.soundworld.names import (
    EXAM,
    SCRIPTS,
    alike_names,
    invented_name,
    invented_names,
    invented_word,
    nonsense_name,
)
from af_minimal.soundworld.score import find_class
from af_minimal.soundworld.styles import (
    EXAM_STYLE,
    Style,
    draw_style,
)
from af_minimal.tokenizer import train_tokenizer

COUNT, W, E = 400, 4, 3


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(text_corpus(range(40)), 800)


def episodes_of(scenes, embeddings, kind: str, count: int = 300):
    draw, rng = Episodes(scenes, embeddings, {kind: 1}), np.random.default_rng(1)
    return [draw(rng, int(rng.integers(1, 9))) for _ in range(count)]


def true_labels(scenes, episode) -> list[str]:
    return [scenes[i].score.labels[0] for i in episode.places]


# names


def test_a_name_of_the_exam_is_never_read_in_training(monkeypatch):
    rng = np.random.default_rng(0)
    words = {w for _ in range(5_000) for w in invented_name(rng).split()}
    words |= {invented_word(rng) for _ in range(5_000)}
    assert not any(map(EXAM.fullmatch, words))
    assert not words & (CLASSES.keys() | HELD_OUT.keys())
    assert all(EXAM.fullmatch(nonsense_name(rng)) for _ in range(500))
    monkeypatch.setattr("af_minimal.soundworld.names.JOINED", {"": 1.0})
    assert not any(EXAM.fullmatch(invented_name(rng)) for _ in range(20_000))
    drawn = iter(["zivofu", "kavo"])
    monkeypatch.setattr("af_minimal.soundworld.names.any_word", lambda rng: next(drawn))
    assert invented_word(rng) == "kavo"


def test_a_name_may_be_of_any_script_and_is_spelled_as_it_is(tokenizer):
    rng = np.random.default_rng(5)
    names = [invented_name(rng) for _ in range(600)]
    names += [name for _ in range(50) for name in alike_names(rng, 4)]
    for name in names:
        assert name == clean(name)  # what is asked is lower-cased and stripped
        ids = tokenizer(name, add_special_tokens=False).input_ids
        assert tokenizer.decode(ids) == name
    letters = set("".join(names))
    for script, (first, last, _) in SCRIPTS.items():
        assert letters & set(map(chr, range(first, last + 1))), script
    assert letters >= set("abcdefghijklmnopqrstuvwxyz0123456789_-' ")


def test_names_of_one_episode_differ(monkeypatch):
    assert len(set(invented_names(np.random.default_rng(0), 50))) == 50
    drawn = iter(["kavo", "kavo", "lem"])
    name = "af_minimal.soundworld.names.invented_name"
    monkeypatch.setattr(name, lambda rng: next(drawn))
    assert invented_names(None, 2) == ["kavo", "lem"]


# what is learnt


def test_every_kind_places_the_query_last_and_never_before(scenes, embeddings):
    for kind in SHARES:
        for episode in episodes_of(scenes, embeddings, kind):
            *shots, query = episode.places
            assert query not in shots and len(set(shots)) == len(shots) <= 8
            sizes = {len(x) for x in (episode.places, episode.prompts, episode.learn)}
            assert sizes == {len(episode.outputs)}


def test_a_new_name_is_learnt_from_its_second_time_on(scenes, embeddings):
    for episode in episodes_of(scenes, embeddings, "new names"):
        labels, outputs = true_labels(scenes, episode), episode.outputs
        assert len(set(zip(labels, outputs, strict=True))) == len(set(labels))
        assert len(set(outputs)) == len(set(labels))  # one name for each sound
        assert not set(outputs) & CLASSES.keys()
        for i, name in enumerate(outputs):
            assert episode.learn[i] == (name in outputs[:i])
        assert episode.learn[-1] and len(episode.places) > 1


def test_true_names_are_true_and_learnt(scenes, embeddings):
    for episode in episodes_of(scenes, embeddings, "true names"):
        assert episode.outputs == true_labels(scenes, episode)
        assert all(episode.learn)


def test_wrong_names_are_wrong_and_not_learnt(scenes, embeddings):
    swapped = 0
    for episode in episodes_of(scenes, embeddings, "wrong names"):
        labels = true_labels(scenes, episode)
        assert episode.outputs[-1] == labels[-1] and episode.learn[-1]
        assert labels[-1] not in episode.outputs[:-1]  # nothing there can be copied
        if episode.outputs == labels:  # the store has no sound of the query's class
            assert all(episode.learn)
            continue
        swapped += 1
        for name, label in zip(episode.outputs[:-1], labels[:-1], strict=True):
            assert name != label and name in CLASSES
        assert not any(episode.learn[:-1])
    assert 90 < swapped < 210


def test_a_style_is_learnt_once_it_has_been_shown(scenes, embeddings):
    hidden = 0
    for episode in episodes_of(scenes, embeddings, "style"):
        seen = 0
        for i, place in enumerate(episode.places):
            sounds = len(scenes[place].score.events)
            assert episode.learn[i] == (i > 0 and not (sounds > 1 and seen < 2))
            hidden += i > 0 and not episode.learn[i]
            seen = max(seen, sounds)
    assert hidden  # a first example with one sound shows no join


def test_options_stand_below_the_query_alone(scenes, embeddings):
    listed = 0
    for kind in ("new names", "true names", "wrong names"):
        for episode in episodes_of(scenes, embeddings, kind):
            assert "OPTIONS" not in "".join(episode.prompts[:-1])
            prompt, _, options = episode.prompts[-1].partition("\nOPTIONS:\n")
            if options:
                listed += 1
                names = [x.removeprefix(" - ") for x in options.split("\n")]
                assert names == [f"{name}." for name in sorted(set(episode.outputs))]
    assert 90 < listed < 180  # 15 % of 900


def test_nearest_examples_are_nearer(scenes, embeddings):
    """The nearest are taken in 70 % of episodes, so on the whole they are nearer."""
    chosen = [
        embeddings[episode.places[:-1]] @ embeddings[episode.places[-1]]
        for episode in episodes_of(scenes, embeddings, "true names")
    ]
    assert np.mean(np.concatenate(chosen)) > 0.1  # of random ones the mean is 0


# styles


def test_a_style_is_written():
    dog, rain = Event("dog bark", 0.5, 0.4), Event("rain", 4.0, 3.0)
    style = Style("today ", " then ", "!")
    written = style.write(Score(9.5, (dog, rain)), 1)
    assert written == "today a barking dog then falling rain!"
    phrases = find_class("rain").phrases
    assert style.write(Score(9.5, (rain,)), 2) == f"today {phrases[2]}!"
    assert style.write(Score(9.5, ()), 0) == "today nothing!"


def test_the_style_of_the_exam_is_not_drawn():
    rng = np.random.default_rng(0)
    drawn = [draw_style(rng) for _ in range(2_000)]
    assert len(set(drawn)) > 1_000
    for part in ("prefix", "join", "suffix"):
        said = {getattr(style, part) for style in drawn}
        assert getattr(EXAM_STYLE, part) not in said
        assert not any(mark in text for text in said for mark in ("@", "#", ".."))
    words = {word for style in drawn for word in str(style).split()}
    assert not any(
        word in text for word in ("field", "notes", "over)") for text in words
    )


def test_a_style_writes_one_form_throughout_or_any(batches):
    rng, rows = np.random.default_rng(0), {True: 0, False: 0}
    for _ in range(60):
        episode = batches.episodes.styled(rng, 6)
        forms = [
            {
                form
                for form in range(3)
                for event in batches.episodes.scenes[place].score.events
                if find_class(event.label).phrases[form] in said
            }
            for place, said in zip(episode.places, episode.outputs, strict=True)
        ]
        rows[bool(set.intersection(*(found for found in forms if found)))] += 1
    assert min(rows.values()) > 15


# few scenes


def test_with_few_scenes_there_are_captions_alone():
    dog = Event("dog bark", 0.5, 0.4)
    rain = Event("rain", 4.0, 3.0)
    scenes = [Scene(Score(9.5, (e,))) for e in (dog, rain)]
    with pytest.warns(UserWarning, match="Give more scenes"):
        draw = Episodes(scenes, np.eye(2))
    episode = draw(np.random.default_rng(0), 4)
    assert sorted(episode.places) == [0, 1] and episode.learn == [False, True]
    with_twin = [*scenes, Scene(Score(9.5, (dog,), seed=1))]
    draw, rng = Episodes(with_twin, np.eye(3)), np.random.default_rng(0)
    for _ in range(50):
        assert len(draw(rng, 4).places) <= 3


# batches


@pytest.fixture(scope="module")
def batches(scenes, embeddings, tokenizer):
    number = torch.arange(COUNT).float()  # a feature tells its scene
    features = number.view(-1, 1, 1).expand(COUNT, W, E)  # (N, W, E)
    mask = torch.ones(COUNT, W, dtype=torch.bool)
    mask[:, -1] = False
    episodes = Episodes(scenes, embeddings)
    return EpisodeBatches(episodes, tokenizer, features, mask, audios=64)


def test_the_same_step_gives_the_same_batch(batches):
    (first,), (again,), (other,) = batches(3), batches(3), batches(4)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert first["input_ids"].shape != other["input_ids"].shape or not torch.equal(
        first["input_ids"], other["input_ids"]
    )


def test_names_do_not_turn_on_the_order_of_a_set(scenes, embeddings, monkeypatch):
    """The order of a set of texts is another one in every process."""
    numbered = "af_minimal.soundworld.episodes.invented_names"
    monkeypatch.setattr(numbered, lambda rng, count: [f"n{i}" for i in range(count)])
    for episode in episodes_of(scenes, embeddings, "new names", 50):
        met = list(dict.fromkeys(episode.outputs))
        assert met == [f"n{i}" for i in range(len(met))]


def test_batches_hold_the_features_of_their_episodes(batches):
    for step in range(4):
        (batch,) = batches(step)
        audios = (batch["input_ids"] == batches.ids["audio"]).sum(1)  # (B,)
        windows = batch["audio_features"].shape[1]
        assert windows == W * int(audios.max())
        for b, count in enumerate(audios.tolist()):
            shown = batch["audio_features"][b].view(-1, W, E)[:count, 0, 0]
            assert len(set(shown.tolist())) == count  # every audio is another scene
            real = batch["audio_mask"][b].view(-1, W)
            assert real[:count, :-1].all() and not real[:, -1].any()
            assert not real[count:].any()


def learnt(batch, tokenizer, b: int) -> str:
    labels = batch["labels"][b]
    return tokenizer.decode(labels[labels != IGNORE])


@pytest.mark.parametrize("kind", SHARES)
def test_labels_are_the_answers_that_can_be_known(
    scenes, embeddings, tokenizer, batches, kind
):
    draw, drawn = Episodes(scenes, embeddings, {kind: 1}), {}

    def remembered(rng, shots):
        episode = draw(rng, shots)
        drawn.update({episode_text(episode, prefix): episode for prefix in (0, 1)})
        return episode

    few = EpisodeBatches(remembered, tokenizer, batches.features, batches.mask, 48)
    (batch,) = few(1)
    for b, ids in enumerate(batch["input_ids"]):
        text = tokenizer.decode(ids[batch["attention_mask"][b]])
        episode = drawn[text]
        assert text.count(AUDIO) == text.count(SEP) == len(episode.places)
        answers = zip(episode.outputs, episode.learn, strict=True)
        expected = "".join(
            f"{answer.strip().lower()}{EOC}" for answer, known in answers if known
        )
        end = "</s>" if episode.learn[-1] else ""
        assert learnt(batch, tokenizer, b) == expected + end
        kept = batch["labels"][b] != IGNORE
        assert torch.equal(batch["labels"][b][kept], ids[kept])


def test_a_batch_holds_so_many_tokens_and_audios(batches):
    sizes = set()
    for step in range(10):
        (batch,) = batches(step)
        rows, length = batch["input_ids"].shape
        audios = (batch["input_ids"] == batches.ids["audio"]).sum(1)  # (B,)
        assert rows * length <= batches.tokens or rows == 1
        assert int(audios.sum()) <= batches.audios
        sizes.add(rows)
    assert len(sizes) > 3


def test_every_row_teaches_something_in_the_smallest_batch(batches):
    sizes = batches.features, batches.mask, 2  # audios: one row of one example
    few = EpisodeBatches(batches.episodes, batches.tokenizer, *sizes)
    for step in range(60):
        (batch,) = few(step)
        assert (batch["labels"] != IGNORE).any(1).all()


def test_no_text_is_longer_than_the_language_model(batches):
    longest = 160
    short = EpisodeBatches(
        batches.episodes,
        batches.tokenizer,
        batches.features,
        batches.mask,
        audios=64,
        longest=longest,
    )
    lengths = [short(step)[0]["input_ids"].shape[1] for step in range(6)]
    free = [batches(step)[0]["input_ids"].shape[1] for step in range(6)]
    assert max(lengths) <= longest < max(free)


def test_micro_batches_are_those_of_steps_in_a_row():
    three = gathered(lambda step: [f"{step} a", f"{step} b"], 3)
    assert three(2) == ["6 a", "6 b", "7 a", "7 b", "8 a", "8 b"]


def test_a_share_of_the_steps_is_few_shot():
    both = mixed(lambda step: "one", lambda step: "many", share=0.3)
    drawn = [both(step) for step in range(1_000)]
    assert drawn == [both(step) for step in range(1_000)]
    assert 0.25 < drawn.count("many") / 1_000 < 0.35


def test_half_of_the_rows_stand_at_places_drawn_anew(batches):
    starts, moved = [], scattered(batches, 600)
    for step in range(10):
        (here,), (plain,) = moved(step), batches(step)
        places = here.pop("position_ids")  # (B, T)
        assert here.keys() == plain.keys() and places.shape == here["input_ids"].shape
        assert all(torch.equal(here[key], plain[key]) for key in plain)
        assert (places.diff(dim=1) == 1).all() and 0 <= places.min()
        assert places.max() < 600
        assert torch.equal(places, moved(step)[0]["position_ids"])
        starts += places[:, 0].tolist()
    assert 0.4 < starts.count(0) / len(starts) < 0.6
    (full,) = scattered(lambda step: [{"input_ids": torch.ones(2, 600)}], 600)(0)
    assert not full["position_ids"][:, 0].any()  # no room to move
