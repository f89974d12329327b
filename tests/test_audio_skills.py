"""Questions of seven skills: certain, balanced, and closed to those who cannot hear."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from af_minimal.disk.manifests import read_manifest
from af_minimal.official.prompts import af2_text
from af_minimal.soundworld.catalogue import CLASSES
from af_minimal.soundworld.render import render
from af_minimal.soundworld.score import Event, Score
from af_minimal.systems.audio_skills import (
    attributes,
    blind,
    context,
    generator,
    temporal,
)
from af_minimal.systems.audio_skills.asking import LETTERS, Question, choose
from af_minimal.systems.audio_skills.blind import blind_accuracies, read
from af_minimal.systems.audio_skills.generator import (
    SKILLS,
    skill_questions,
    write_items,
)
from af_minimal.systems.audio_skills.rules import PLACES, RESPONSES, STATES
from af_minimal.systems.audio_skills.scenes import skill_score
from af_minimal.systems.audio_skills.solver import solve, verify
from af_minimal.systems.audio_skills.timeline import Disagreement

MARKED = r"is marked \([A-F]\); by the score it is"
LOUD = {"loudness": "loud", "distance": "near"}
THREE = Score(  # two barks, then rain, then one siren
    12.0,
    (
        Event("dog bark", 0.5, 0.4, LOUD | {"pitch": "low"}, repeats=2, gap_s=0.5),
        Event("rain", 3.0, 3.0, LOUD | {"tone": "dark"}),
        Event("siren", 8.6, 2.5, LOUD | {"pitch": "high"}),
    ),
    room="room",
)


@pytest.fixture(scope="module")
def items():
    return skill_questions(490, seed=5)


def ask(text: str, *options: str, answer: int = 0) -> Question:
    return Question("counting", "counting, level 1", text, options, answer)


# the form


def test_options_stand_behind_the_question_as_official():
    question = ask("which sound is heard first?", "rain", "dog bark", answer=1)
    assert question.prompt == "which sound is heard first? (A) rain. (B) dog bark."
    assert question.output == "(B) dog bark"
    text = af2_text(question.prompt, question.output)
    assert text.startswith("<audio>which sound") and "<SEP>(b) dog bark" in text


def test_options_are_drawn_and_differ():
    rng = np.random.default_rng(0)
    drawn = [choose(rng, "a, b", ["q?"], "x", [*"xyzuvw"])[0] for _ in range(400)]
    assert all(q.options[q.answer] == "x" and len(set(q.options)) == 4 for q in drawn)
    assert drawn[0].skill == "a"
    assert min(Counter(q.answer for q in drawn).values()) > 70
    assert choose(rng, "a, b", ["q?"], "x", ["x"]) == []


# the generator


def test_seven_skills_equally_often_and_the_same_for_a_seed(items):
    counts = Counter(item.question.skill for item in items)
    assert counts == dict.fromkeys(SKILLS, 70) and len(SKILLS) == 7
    assert skill_questions(20, seed=5) == items[:20]
    levels = {f"counting, level {n}" for n in (1, 2, 3)}
    kinds = {item.question.kind for item in items}
    assert levels | {"temporal, change", "temporal, grounding"} <= kinds


def test_every_question_has_one_right_option(items):
    for item in items:
        letter = LETTERS[item.question.answer]
        assert solve(item.score, item.question.prompt) == {letter}


def test_answers_that_recur_are_right_equally_often(items):
    for kind, apart in spread(items).items():
        assert apart <= 1, kind


def spread(items) -> dict[str, int]:
    """Of each kind: how much oftener one option is right than another, at most."""
    right, found = {}, Counter()
    for item in items:
        q = item.question
        counts = right.setdefault((q.kind, frozenset(q.options)), Counter())
        counts[q.options[q.answer]] += 1
    for (kind, options), counts in right.items():
        apart = max(counts.values()) - min(counts[said] for said in options)
        found[kind] = max(found[kind], apart)
    return found


class Unbalanced(generator.Balance):
    """Takes every question that comes."""

    def passes(self, question):
        return True


def test_a_balance_of_your_own_decides_what_passes():
    skills = ["information"]
    free = skill_questions(200, 5, skills, balance=Unbalanced())
    same = skill_questions(200, 5, skills, balance=generator.Balance())
    assert same == skill_questions(200, 5, skills)
    assert max(spread(same).values()) <= 1 < max(spread(free).values())


def test_unknown_skills_and_scenes_too_short_are_refused():
    with pytest.raises(ValueError, match="unknown"):
        skill_questions(1, skills=["cooking"])
    with pytest.raises(ValueError, match="fewer sounds"):
        skill_score(np.random.default_rng(0), longest_s=10)


def test_scenes_fit_and_counts_are_drawn_evenly():
    rng, times = np.random.default_rng(0), Counter()
    for _ in range(300):
        score = skill_score(rng)
        assert score.events[-1].end_s <= score.duration_s <= 24
        barks = [e for e in score.events if e.label in ("dog bark", "raven caw")]
        if len(barks) == 1:
            times[barks[0].repeats] += 1
    assert set(times) == {1, 2, 3, 4}


def test_rules_are_about_sounds_that_exist_and_do_not_contradict_each_other():
    told = [label for row in PLACES.values() for label in row]
    assert len(told) == len(set(told))
    assert set(told) | set(STATES) | set(RESPONSES) <= set(CLASSES)
    for table in (STATES, RESPONSES):
        assert len(set(table.values())) == len(table)


# the solver


@pytest.mark.parametrize(
    ("prompt", "letters"),
    [
        ("which sound is heard last? (A) rain. (B) siren.", "B"),
        ("what is the second sound? (A) rain. (B) siren.", "A"),
        ("how many times is the dog bark heard? (A) one. (B) two.", "B"),
        ("how many times is the first sound heard? (A) one. (B) two.", "B"),
        ("count how often the second sound occurs. (A) one. (B) two.", "A"),
        ("do the siren come after the rain? (A) no. (B) yes.", "B"),
        ("what is heard between the dog bark and the siren? (A) rain. (B) harp.", "A"),
        (
            "when is the siren heard? (A) in the first third. (B) in the last third.",
            "B",
        ),
        ("how much does the place echo? (A) a lot. (B) a little.", "B"),
        ("how does the siren sound? (A) low pitched. (B) high pitched.", "B"),
        ("what makes the second sound? (A) nature. (B) a machine.", "A"),
        ("how many different sounds are there? (A) three. (B) four.", "A"),
        ("which of these is heard in the recording? (A) rain. (B) siren.", "AB"),
        ("which of these is not heard? (A) rain. (B) siren.", ""),
    ],
)
def test_the_solver_by_hand(prompt, letters):
    assert solve(THREE, prompt) == set(letters)


@pytest.mark.parametrize(
    ("prompt", "why"),
    [
        ("what is the time? (A) noon.", "^0 rules"),
        ("how many times is the gong heard? (A) one. (B) two.", "^0 rules"),  # no class
        ("which sound is heard first?", "^1 rules .* 0 options"),
        ("which sound is heard fourth? (A) rain. (B) siren.", "no fourth sound of 3"),
        ("how many times is the cat meow heard? (A) one. (B) two.", "comes 0 times"),
        ("what is the rain like? (A) green. (B) close by.", "'green'"),
        ("what is heard between the harp and the rain? (A) dog bark.", "'harp' is not"),
        (
            "which instrument plays? (A) harp. (B) piano.",
            "0 sounds of the family music",
        ),
    ],
)
def test_what_has_no_answer_is_refused(prompt, why):
    with pytest.raises(Disagreement, match=why):
        solve(THREE, prompt)


def test_sounds_that_overlap_have_no_order_and_nobody_can_tell_their_pitch():
    first, second, third = THREE.events
    score = replace(THREE, events=(first, second, replace(third, onset_s=5.0)))
    for prompt, why in (
        ("which sound is heard first? (A) rain. (B) siren.", "no clear order"),
        (
            "how does the siren sound? (A) low pitched. (B) high pitched.",
            "nobody can tell the pitch of siren",
        ),
    ):
        with pytest.raises(Disagreement, match=why):
            solve(score, prompt)


def test_another_mark_or_a_second_right_option_is_seen(items):
    for item in items[:70]:
        q = item.question
        wrong = replace(q, answer=(q.answer + 1) % len(q.options))
        with pytest.raises(Disagreement, match="by the score"):
            verify(item.score, wrong)
    twice = ask("which of these is heard in the recording?", "rain", "siren")
    with pytest.raises(Disagreement, match="A, B"):
        verify(THREE, twice)


def off_by_one(monkeypatch):
    numbers = temporal.NUMBERS
    monkeypatch.setattr(temporal, "NUMBERS", (numbers[1], *numbers[:-1]))


def words_exchanged(monkeypatch):
    swapped = {("pitch", "low"): "high pitched", ("pitch", "high"): "low pitched"}
    swapped |= {("rate", "slow"): "fast", ("rate", "fast"): "slow"}
    adjective = attributes.adjective
    monkeypatch.setattr(
        attributes, "adjective", lambda *x: swapped.get(x) or adjective(*x)
    )


def overlaps_forgotten(monkeypatch):
    monkeypatch.setattr(temporal, "in_a_row", lambda score: True)


def ordinals_shifted(monkeypatch):
    monkeypatch.setattr(temporal, "ORDINALS", ("second", "first", "third", "fourth"))


def rise_and_fall_exchanged(monkeypatch):
    turned = {k: (b, a, c) for k, (a, b, c) in temporal.CHANGES.items()}
    monkeypatch.setattr(temporal, "CHANGES", turned)


def families_mixed_up(monkeypatch):
    names = list(context.SOURCES.values())
    turned = dict(zip(context.SOURCES, names[1:] + names[:1], strict=True))
    monkeypatch.setattr(context, "SOURCES", turned)


def thirds_turned(monkeypatch):
    monkeypatch.setattr(temporal, "PARTS", temporal.PARTS[::-1])


def rooms_exchanged(monkeypatch):
    echoes = {"dry": "a lot", "room": "a little", "hall": "not at all"}
    monkeypatch.setattr(attributes, "ECHOES", echoes)


@pytest.mark.parametrize(
    ("fault", "skill", "why"),
    [
        (off_by_one, "counting", MARKED),
        (ordinals_shifted, "counting", MARKED),
        (ordinals_shifted, "temporal", MARKED),
        (overlaps_forgotten, "temporal", "no clear order"),
        (rise_and_fall_exchanged, "temporal", MARKED),
        (thirds_turned, "temporal", MARKED),
        (words_exchanged, "attribute", MARKED),
        (rooms_exchanged, "attribute", MARKED),
        (families_mixed_up, "reasoning", MARKED),
        (families_mixed_up, "information", MARKED),
    ],
)
def test_faults_planted_in_the_generator_are_seen(monkeypatch, fault, skill, why):
    fault(monkeypatch)
    with pytest.raises(Disagreement, match=why):
        skill_questions(80, skills=[skill])


# without ears


def test_a_reader_of_text_finds_a_bias_that_is_there():
    rng = np.random.default_rng(0)
    biased = [
        choose(rng, "a, b", ["which?"], "rain", ["harp", "wind"])[0] for _ in range(60)
    ]
    assert all(read(biased[:30], biased[30:]))


def test_who_is_alone_in_a_kind_hears_no_scene_but_its_own():
    items = skill_questions(40)
    kinds = Counter(item.question.kind for item in items)
    alone = next(i for i in items if kinds[i.question.kind] == 1)
    assert blind.other_sound([alone]) == [1 / len(alone.question.options)]


def test_far_sounds_hide_how_much_the_place_echoes():
    far = Event("dog bark", 0.5, 0.4, {"distance": "far"})
    score, rng = Score(3.0, (far,)), np.random.default_rng(0)
    assert attributes.echo(score, rng) == []
    (near,) = attributes.echo(
        replace(score, events=(replace(far, attributes={"distance": "near"}),)), rng
    )
    with pytest.raises(Disagreement, match="echo of their own"):
        solve(score, near.prompt)


def test_a_twin_sounds_as_the_first_but_for_what_changes():
    first = Event("dog bark", 0.5, 0.4, {"pitch": "low", "loudness": "loud"})
    score = Score(4.0, (first, replace(first, onset_s=2.5)), seed=5)
    wave = render(score)
    one, two = (wave[round(at * 16_000) :][:6_400] for at in (0.5, 2.5))
    assert np.array_equal(one, two) and one.any()
    other = replace(first, onset_s=2.5, attributes={"pitch": "low", "loudness": "soft"})
    wave = render(replace(score, events=(first, other)))
    one, two = (wave[round(at * 16_000) :][:6_400] for at in (0.5, 2.5))
    assert np.corrcoef(one, two)[0, 1] > 0.99 and np.std(two) < 0.7 * np.std(one)


@pytest.mark.slow
def test_without_hearing_nothing_is_to_be_had():
    for row in blind_accuracies(skill_questions(2100, seed=7)):
        assert abs(row["score"] - row["chance"]) < 0.04, row


# files


def test_items_go_out_as_flac_and_official_manifests(items, tmp_path):
    examples = write_items(tmp_path, items[:7])
    assert len(list(tmp_path.glob("AudioSkills-*/train.json"))) == 7
    path = tmp_path / "AudioSkills-Counting" / "train.json"
    manifest = json.loads(path.read_text())
    assert "dataset_path" not in manifest and manifest["split_path"] == ""
    (row,) = manifest["data"].values()
    item = next(i for i in items if i.question.skill == "counting")
    assert row["prompt"] == item.question.prompt
    assert row["duration"] == item.score.duration_s
    (example,) = read_manifest(path, tmp_path)
    assert example in examples


def test_patience_ends(monkeypatch):
    monkeypatch.setattr(generator, "PATIENCE", 3)
    monkeypatch.setitem(SKILLS, "counting", ())
    with pytest.raises(RuntimeError, match="counting"):
        skill_questions(1, skills=["counting"])
