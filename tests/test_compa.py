"""Expressions, their sentences and scores, and CompA's questions about them."""

import csv
from functools import partial

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from af_minimal.soundworld.catalogue import CLASSES
from af_minimal.soundworld.render import render
from af_minimal.systems.compa import towers as towers_module
from af_minimal.systems.compa.benchmark import (
    Instance,
    attribute_expressions,
    chance,
    compa_attribute,
    compa_order,
    compa_scores,
    examine,
    order_expressions,
)
from af_minimal.systems.compa.composing import CLIP_S, EVENT_S, compose
from af_minimal.systems.compa.expressions import (
    Pair,
    Sound,
    meaning,
    negatives,
    parse,
    positives,
    sample_expression,
    sounds,
    timeline,
    write,
)
from af_minimal.systems.compa.official import (
    ATTRIBUTE_COLUMNS,
    COLUMNS,
    read_compa,
    write_compa,
)
from af_minimal.systems.compa.towers import Towers, decibels, power_picture, word_ids
from af_minimal.systems.compa.training import (
    LOSSES,
    Schedule,
    almost_true,
    draw_attribute,
    draw_both_orders,
    draw_order,
    picture,
    split_pairs,
    teach,
)
from af_minimal.systems.compa.wordings import WORDINGS, say, wordings

DOG_RAIN = parse("'dog bark' + 'rain'")
NESTED = parse("('dog bark' + 'rain') * 'wind'")
PAIRS = [("dog bark", "rain"), ("siren", "harp"), ("wind", "cough")]


# expressions


def test_expressions_are_read_and_written():
    for text in ("'rain'", "'rain' + 'wind'", "('rain' + 'wind') * 'dog bark'"):
        assert write(parse(text)) == text
    stronger = parse("'rain' + 'wind' * 'harp'")
    assert write(stronger) == "'rain' + ('wind' * 'harp')"
    assert [s.label for s in sounds(stronger)] == ["rain", "wind", "harp"]


@pytest.mark.parametrize(
    "text", ["", "rain", "'rain' - 'wind'", "print('x')", "'a' + 1", "('a'"]
)
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(ValueError, match="is no expression"):
        parse(text)


def test_an_overlay_lasts_as_long_as_what_it_lies_over():
    told = {s.label: (int(a), int(b)) for s, a, b in timeline(NESTED)}
    assert told == {"dog bark": (0, 1), "rain": (1, 2), "wind": (0, 2)}


def test_equal_meanings_sound_the_same():
    same = [
        ("'rain' * 'wind'", "'wind' * 'rain'"),
        ("('a' + 'b') + 'c'", "'a' + ('b' + 'c')"),
        ("('a' + 'b') * ('c' + 'd')", "('a' * 'c') + ('b' * 'd')"),
    ]
    for one, other in same:
        assert meaning(parse(one)) == meaning(parse(other))
    assert meaning(DOG_RAIN) != meaning(parse("'rain' + 'dog bark'"))
    assert meaning(NESTED) != meaning(parse("('dog bark' * 'wind') + 'rain'"))


def written(expressions) -> list[str]:
    return [write(expression) for expression in expressions]


def test_positives_and_negatives_of_two_sounds():
    assert written(positives(DOG_RAIN)) == [
        "'dog bark' + 'rain'",
        "'dog bark'",
        "'rain'",
    ]
    assert written(negatives(DOG_RAIN)) == [
        "'rain' + 'dog bark'",
        "'dog bark' * 'rain'",
    ]
    both = parse("'a' * 'b'")
    assert written(positives(both)) == ["'a' * 'b'", "'b' * 'a'", "'a'", "'b'"]
    assert written(negatives(both)) == ["'a' + 'b'", "'b' + 'a'"]


def test_of_more_than_two_sounds_single_ones_are_no_positives():
    found = written(positives(NESTED))
    assert "'dog bark' + 'rain'" in found and "'rain'" not in found
    assert "('rain' + 'dog bark') * 'wind'" in written(negatives(NESTED))
    assert "('dog bark' * 'rain') * 'wind'" in written(negatives(NESTED))


def test_no_negative_is_true_and_no_positive_false():
    rng = np.random.default_rng(0)
    for _ in range(300):
        expression = sample_expression(rng, list(CLASSES))
        wrong = {meaning(other) for other in negatives(expression)}
        assert wrong and not wrong & {meaning(p) for p in positives(expression)}
        # each true part is heard: its sounds stand to each other as in the whole
        whole = {sound: (start, end) for sound, start, end in timeline(expression)}
        for part in positives(expression):
            for one, a, b in timeline(part):
                for other, c, d in timeline(part):
                    if b <= c:
                        assert whole[one][1] <= whole[other][0]
                    elif a < d and one != other:
                        assert whole[one][0] < whole[other][1]


def test_expressions_have_two_to_four_sounds_as_often_as_in_compa():
    rng = np.random.default_rng(1)
    drawn = [sample_expression(rng, list(CLASSES)) for _ in range(1000)]
    counts = np.bincount([len(sounds(e)) for e in drawn])
    assert_close(counts[2:] / 1000, np.array([0.3, 0.6, 0.1]), atol=0.05, rtol=0)
    assert all(len(set(sounds(e))) == len(sounds(e)) for e in drawn)


# words


def test_wordings_say_the_same_in_several_ways():
    assert say(DOG_RAIN) == "a barking dog followed by falling rain"
    assert "falling rain after a barking dog" in wordings(DOG_RAIN)
    assert len(wordings(DOG_RAIN)) == WORDINGS
    assert say(NESTED) == "(a barking dog followed by falling rain) with a blowing wind"


def test_brackets_keep_different_meanings_apart():
    rng = np.random.default_rng(2)
    heard: dict[str, frozenset] = {}
    for _ in range(500):
        expression = sample_expression(rng, ["rain", "wind", "harp", "siren"])
        for said in wordings(expression):
            assert heard.setdefault(said, meaning(expression)) == meaning(expression)


def test_attributes_stand_in_front_of_the_noun():
    low = Sound("dog bark", (("pitch", "low"),))
    soft = Sound("rain", (("loudness", "soft"),))
    assert say(low) == "a low pitched barking dog"
    assert say(Pair("*", low, soft)) == (
        "a low pitched barking dog with soft falling rain"
    )
    crowd = Sound("applause", (("loudness", "loud"),))
    assert say(crowd) == "a loud applauding crowd"


def test_all_words_are_in_the_vocabulary():
    rng = np.random.default_rng(3)
    for _ in range(200):
        expression = sample_expression(rng, list(CLASSES))
        for said in wordings(expression):
            assert towers_module.UNKNOWN not in word_ids(said)
    for one in attribute_expressions(rng, "dog bark", "siren"):
        assert towers_module.UNKNOWN not in word_ids(say(one))
    assert towers_module.UNKNOWN in word_ids("a barking zebra")


# scores


def test_a_score_has_the_sounds_where_the_expression_says():
    score = compose(np.random.default_rng(0), NESTED)
    begin = {event.label: event.onset_s for event in score.events}
    assert begin["dog bark"] == begin["wind"]
    assert begin["rain"] == pytest.approx(begin["dog bark"] + EVENT_S, abs=2e-3)
    assert score.duration_s == CLIP_S
    long = compose(np.random.default_rng(0), parse("'rain' + 'wind' + 'harp'"))
    assert long.duration_s == pytest.approx(3 * EVENT_S)


def test_the_same_seed_gives_the_same_clip():
    waves = [render(compose(np.random.default_rng(5), DOG_RAIN)) for _ in range(2)]
    np.testing.assert_array_equal(*waves)


def test_compose_refuses_what_no_class_is_called():
    with pytest.raises(ValueError, match="no sound class 'zebra'"):
        render(compose(np.random.default_rng(0), parse("'zebra' + 'rain'")))


# the rule


def test_scores_of_two_pairs():
    assert compa_scores(np.array([[0.9, 0.1], [0.2, 0.8]])) == (True, True, True)
    # sound 0 is nearest to its sentence, sound 1 is not; every sentence finds its sound
    assert compa_scores(np.array([[0.5, 0.4], [0.2, 0.3]])) == (False, True, False)
    assert compa_scores(np.array([[0.5, 0.6], [0.1, 0.7]])) == (True, False, False)


def test_ties_lose():
    assert compa_scores(np.full((2, 2), 0.5)) == (False, False, False)
    assert compa_scores(np.array([[0.5, 0.5], [0.1, 0.7]])) == (True, False, False)


def test_three_pairs_must_all_be_right():
    similar = np.eye(3)
    assert compa_scores(similar) == (True, True, True)
    similar[2, 0] = 1.5  # the third sentence steals the first sound
    assert compa_scores(similar) == (False, False, False)


def test_chance_of_pairs_triplets_and_their_mix():
    two, three = chance([2]), chance([3])
    for score, expected in (("text", 1 / 4), ("audio", 1 / 4), ("group", 1 / 6)):
        assert two[score] == pytest.approx(expected, abs=0.01)
    for score, expected in (("text", 1 / 27), ("audio", 1 / 27), ("group", 1 / 60)):
        assert three[score] == pytest.approx(expected, abs=0.005)
    mixed = chance([2] * 300 + [3] * 100)  # the table of the paper says 19.70 for text
    assert mixed["text"] == pytest.approx(0.197, abs=0.01)
    assert mixed["group"] == pytest.approx(0.129, abs=0.01)


def test_chance_is_what_noise_scores():
    rng = np.random.default_rng(0)
    found = np.mean([compa_scores(rng.random((3, 3))) for _ in range(4000)], 0)
    expected = list(chance([3]).values())
    np.testing.assert_allclose(found, expected, atol=0.012)


@pytest.fixture(scope="module")
def order() -> list[Instance]:
    return compa_order(PAIRS, count=8, triplets=2, seed=0)


def section_scores(section: dict) -> list[float]:
    return [line["score"] for line in section["measures"]]


def vectors(count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 8, generator=generator, dtype=torch.float64)


def bag_of_words(texts: list[str]) -> torch.Tensor:
    """The same for the same words in any order; no rounding in another order."""
    return torch.cat([vectors(1, hash_of(text)) for text in texts])


def hash_of(text: str) -> int:
    return sum(sum(map(ord, word)) ** 2 for word in text.split()) % 2**31


def test_a_text_encoder_blind_to_order_scores_no_text(order):
    pairs = [one for one in order if len(one.texts) == 2]
    section = examine(pairs, lambda waves: vectors(len(waves), 0), bag_of_words)
    assert section_scores(section)[0] == 0 and section_scores(section)[2] == 0


def test_a_scorer_that_adds_a_text_and_a_sound_scores_nothing(order):
    """u(c) + v(a): u0 > u1 and u1 > u0 would both have to be true, or the same of v."""
    generator = np.random.default_rng(0)
    for _ in range(200):
        u, v = generator.random((2, 1)), generator.random((1, 2))
        assert compa_scores(u + v) == (False, False, False)

    def hears(waves):  # (N, 2): v and one
        v = vectors(len(waves), 1)[:, :1]
        return torch.cat([v, torch.ones_like(v)], 1)

    def reads(texts):  # (N, 2): one and u
        u = vectors(len(texts), 2)[:, :1]
        return torch.cat([torch.ones_like(u), u], 1)

    assert section_scores(examine(order, hears, reads)) == [0, 0, 0]


def test_text_or_audio_score_needs_more_on_the_diagonal_than_beside_it():
    """Either score implies s00 + s11 > s01 + s10, which noise has in half of all."""
    generator, more, either = np.random.default_rng(0), [], []
    for similar in generator.random((2000, 2, 2)):
        text, audio, _ = compa_scores(similar)
        more.append(similar.trace() > similar[::-1].trace())
        either.append(text or audio)
        assert more[-1] or not either[-1]
    assert np.mean(more) == pytest.approx(1 / 2, abs=0.04)
    assert np.mean(either) == pytest.approx(1 / 3, abs=0.04)


def test_one_that_knows_scores_everything(order):
    def numbered(things):  # each sound and its own sentence stand at the same place
        return torch.eye(len(things))

    section = examine(order, numbered, numbered)
    assert section_scores(section) == [1.0, 1.0, 1.0]
    assert section["rows"][0]["texts"] == order[0].texts


# the questions


def test_pairs_of_order_have_the_same_words(order):
    for one in order:
        first, second = (sorted(text.split()) for text in one.texts[:2])
        assert first == second and one.texts[0] != one.texts[1]
        assert len(one.waves) == len(one.texts)
    assert [len(one.texts) for one in order] == [2] * 6 + [3] * 2


def test_questions_of_attributes_exchange_them():
    found = compa_attribute(PAIRS, 6, seed=0)
    for one in found:
        first, second = one.expressions
        assert first.left.label == second.left.label
        assert first.left.attributes == second.right.attributes
        assert first.left.attributes != first.right.attributes
        assert sorted(one.texts[0].split()) == sorted(one.texts[1].split())
    names = {one.expressions[0].left.attributes[0][0] for one in found}
    assert names <= {"pitch", "loudness"}


def test_order_of_a_triplet_is_both_orders_and_at_once():
    assert written(order_expressions("rain", "wind", True)) == [
        "'rain' + 'wind'",
        "'wind' + 'rain'",
        "'rain' * 'wind'",
    ]


# the official table


def test_the_official_table_is_written_and_read_back(order, tmp_path):
    write_compa(tmp_path / "order.csv", tmp_path / "audio", order)
    back = read_compa(tmp_path / "order.csv", tmp_path / "audio")
    assert [one.texts for one in back] == [one.texts for one in order]
    for one, same in zip(back, order, strict=True):
        for wave, expected in zip(one.waves, same.waves, strict=True):
            np.testing.assert_allclose(wave, expected, atol=1e-4)
    with open(tmp_path / "order.csv") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["triplet_file"] == "-" and rows[-1]["triplet_file"] != "-"
    assert not list(tmp_path.glob("*.part"))


def test_a_table_of_attributes_has_its_own_columns_and_is_read_back(tmp_path):
    asked = compa_attribute(PAIRS, 3, seed=0)
    write_compa(tmp_path / "attribute.csv", tmp_path / "audio", asked)
    with open(tmp_path / "attribute.csv") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == ATTRIBUTE_COLUMNS
    assert ATTRIBUTE_COLUMNS[4:] == ("pair_file.1", "reversed_pair_file.1")
    for row in rows:
        for pair in ("pair", "reversed_pair"):
            assert (tmp_path / "audio" / row[f"{pair}_file.1"]).is_file()
    back = read_compa(tmp_path / "attribute.csv", tmp_path / "audio")
    assert [one.texts for one in back] == [one.texts for one in asked]
    for one, same in zip(back, asked, strict=True):
        for wave, expected in zip(one.waves, same.waves, strict=True):
            np.testing.assert_allclose(wave, expected, atol=1e-4)


def test_instances_without_expressions_are_written_as_they_are_asked_for(
    tmp_path, order
):
    asked = [Instance(one.texts, one.waves) for one in order]
    for attribute, columns in ((None, COLUMNS), (True, ATTRIBUTE_COLUMNS)):
        write_compa(tmp_path / "x.csv", tmp_path, asked[:2], attribute)
        with open(tmp_path / "x.csv") as file:
            assert tuple(next(csv.reader(file))) == columns
    with pytest.raises(ValueError, match="three pairs"):
        write_compa(tmp_path / "y.csv", tmp_path, asked, attribute=True)
    assert not (tmp_path / "y.csv").exists()


def test_a_byte_order_mark_before_the_first_name_is_no_part_of_it(tmp_path, order):
    write_compa(tmp_path / "x.csv", tmp_path, order)
    marked = tmp_path / "marked.csv"
    marked.write_text((tmp_path / "x.csv").read_text("utf-8"), "utf-8-sig")
    assert [one.texts for one in read_compa(marked, tmp_path)] == [
        one.texts for one in order
    ]


@pytest.mark.parametrize("pair", ["pair", "reversed_pair", "triplet"])
@pytest.mark.parametrize("caption", ["-", ""])
def test_a_sound_without_a_sentence_is_refused(tmp_path, order, pair, caption):
    write_compa(tmp_path / "x.csv", tmp_path, order[-1:])  # with a third pair
    with open(tmp_path / "x.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    with open(tmp_path / "x.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerow(row | {f"{pair}_caption": caption})
    with pytest.raises(ValueError, match=f"line 2: {pair} has the caption '{caption}'"):
        read_compa(tmp_path / "x.csv", tmp_path)


def table_with(tmp_path, order, header: str, *cells: str):
    write_compa(tmp_path / "x.csv", tmp_path, order[:1])
    path = tmp_path / "other.csv"
    path.write_text(header + "\n" + ",".join(cells) + "\n")
    return path


HEADER = "pair_caption,reversed_pair_caption,pair_file,reversed_pair_file"


@pytest.mark.parametrize(
    "again", ["pair_file.1,reversed_pair_file.1", "pair_file,reversed_pair_file"]
)
def test_files_named_twice_are_those_named_last(tmp_path, order, again):
    good = ("0000_pair.wav", "0000_reversed_pair.wav")
    path = table_with(
        tmp_path,
        order,
        f"{HEADER},{again}",
        "a",
        "b",
        "made/1.wav",
        "made/2.wav",
        *good,
    )
    (one,) = read_compa(path, tmp_path)
    assert one.texts == ("a", "b") and len(one.waves) == 2


def test_tables_that_cannot_be_right_are_refused(tmp_path, order):
    path = table_with(tmp_path, order, "pair_caption,pair_file", "a", "0000_pair.wav")
    with pytest.raises(ValueError, match="lacks reversed_pair_caption"):
        read_compa(path, tmp_path)
    outside = table_with(tmp_path, order, HEADER, "a", "b", "../x.wav", "y.wav")
    with pytest.raises(ValueError, match="line 2: pair .*inside"):
        read_compa(outside, tmp_path / "deep")
    gone = table_with(tmp_path, order, HEADER, "a", "b", "gone.wav", "y.wav")
    with pytest.raises(FileNotFoundError):
        read_compa(gone, tmp_path)


# the towers and their training


def test_a_picture_of_takes_is_the_picture_of_the_rendered_clip():
    """Same classes, other draws: where there is sound agrees."""
    rng = np.random.default_rng(0)
    drawn = torch.from_numpy(picture(rng, DOG_RAIN, seed=0))
    wave = render(compose(np.random.default_rng(0), DOG_RAIN))
    heard = power_picture(torch.from_numpy(wave)[None])[0, : len(drawn)]
    loud = [decibels(power).mean(1) > 0.3 for power in (drawn, heard)]  # (steps,)
    assert (loud[0] == loud[1]).float().mean() > 0.8


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return Towers().eval()


def test_padding_of_a_sentence_changes_nothing(small):
    alone = small.embed_text(["falling rain"])
    beside = small.embed_text(["falling rain", say(NESTED)])[:1]
    assert_close(alone, beside, atol=1e-5, rtol=1e-5)


def test_towers_hear_order_and_read_it(small, order):
    waves, texts = order[0].waves, order[0].texts
    heard, said = small.embed_audio(list(waves)), small.embed_text(list(texts))
    for one in (heard, said):
        assert_close(one.norm(dim=-1), torch.ones(len(one)))
        assert (one[0] - one[1]).abs().max() > 1e-3


def test_towers_say_which_length_they_hear(small):
    with pytest.raises(ValueError, match=r"\[16000\] samples"):
        small.embed_audio([np.zeros(16_000, np.float32)])


def test_what_is_almost_true_of_attributes_is_the_exchange():
    rng = np.random.default_rng(0)
    (one,) = draw_attribute(rng, PAIRS)
    (wrong,) = almost_true(one)
    assert wrong.left.attributes == one.right.attributes
    assert wrong.left.label == one.left.label
    assert len(almost_true(DOG_RAIN)) == 2


def test_pairs_held_out_are_never_trained_on_in_either_order():
    train, asked = split_pairs(list(CLASSES)[:12], seed=0)
    assert len(train) + len(asked) == 66 and len(asked) == 11
    assert not {frozenset(p) for p in train} & {frozenset(p) for p in asked}


def test_both_orders_meet_in_one_batch():
    one, other = draw_both_orders(np.random.default_rng(0), PAIRS)
    assert (one.left, one.right) == (other.right, other.left)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_learns_three_pairs(loss):
    torch.manual_seed(0)
    towers = Towers()
    log = teach(towers, loss, partial(draw_order, pairs=PAIRS), Schedule(12, 6), 0)
    assert len(log) == 12 and np.isfinite(log).all()
    assert np.mean(log[-4:]) < np.mean(log[:4])


def test_the_same_seed_teaches_the_same():
    logs = []
    for _ in range(2):
        torch.manual_seed(0)
        draw = partial(draw_order, pairs=PAIRS)
        logs.append(teach(Towers(), "hard negatives", draw, Schedule(3, 4), 0))
    assert logs[0] == logs[1]
