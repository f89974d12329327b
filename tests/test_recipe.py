"""How `mini` is made: the contrastive batches, and the chain of stages in the small."""

import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from af_minimal.audio import Clip
from af_minimal.config import PRESETS
from af_minimal.disk import checkpoints
from af_minimal.model import load
from af_minimal.prompts import IGNORE
from af_minimal.soundworld import (
    batches,
    clap_batches,
    corpus,
    kept_windows,
    likeness,
    recipe,
    sample_score,
    windows,
)
from af_minimal.soundworld import run as settings
from af_minimal.soundworld.captions import caption_is_right, heard_counts, heard_events
from af_minimal.soundworld.catalogue import CLASSES
from af_minimal.soundworld.features import build_features
from af_minimal.soundworld.kept_windows import drawn_with, keep_windows
from af_minimal.soundworld.near_misses import near_misses
from af_minimal.soundworld.places import remember, with_sounds
from af_minimal.soundworld.rows import Rows, alike
from af_minimal.soundworld.scenes import Event, Score, countable

SCENES, STEPS = 4, 2
SILENCE = Clip.from_array(np.zeros(16_000, dtype=np.float32), 16_000)


@pytest.fixture(scope="module")
def words():
    """Stands in for the towers: keeps the sentences as they are."""
    return SimpleNamespace(tokenize=lambda texts: {"texts": texts})


def test_the_same_step_gives_the_same_batch(words):
    batches = clap_batches.ClapBatches(words, {}, size=8)
    first, again, other = batches(3)[0], batches(3)[0], batches(4)[0]
    assert first["texts"] == again["texts"] != other["texts"]
    assert torch.equal(first["windows"], again["windows"])
    assert first["windows"].shape == (8, 32_000) and len(first["texts"]) == 8


def test_a_batch_without_a_near_miss_has_none(words, monkeypatch):
    monkeypatch.setattr(clap_batches, "near_misses", lambda *_: [])
    (batch,) = clap_batches.ClapBatches(words, {}, size=1)(0)
    assert not any(name.startswith("contrast") for name in batch)


def test_no_two_windows_of_a_batch_hold_the_same_sounds(words, monkeypatch):
    monkeypatch.setattr(clap_batches, "window_texts", lambda score: [str(score.labels)])
    texts = clap_batches.ClapBatches(words, {}, size=32)(0)[0]["texts"]
    assert len(set(texts)) == len(texts) == 32


def test_near_misses_are_wrong_in_one_thing():
    rng = np.random.default_rng(0)
    kinds = set()
    for _ in range(60):
        score = sample_score(rng, (1, 3))
        for miss in near_misses(score, rng):
            assert miss.right != miss.wrong and caption_is_right(miss.right, score)
            was, instead = heard_events(miss.right), heard_events(miss.wrong)
            kinds.add(miss.kind)
            if miss.kind == "attribute":
                assert was == instead
            if miss.kind == "order":
                assert sorted(was) == sorted(instead)
                assert not caption_is_right(miss.wrong, score)
            if miss.kind == "sound":
                assert len(set(was) ^ set(instead)) == 2
                (new,) = set(instead) - set(was)
                times = heard_counts(miss.wrong)[new]
                assert times == 1 or countable(CLASSES[new]), miss.wrong
    assert kinds == {"attribute", "order", "sound"}
    assert near_misses(Score(2.0, ()), rng) == []


def test_a_recorded_window_has_no_attribute_to_miss():
    dog = Score(2.0, (Event("dog bark", 0.0, 2.0),))
    pairs = near_misses(dog, np.random.default_rng(0))
    assert len(pairs) == 1 and heard_events(pairs[0].wrong) != ["dog bark"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """All stages of a tiny run, two steps each."""
    run = recipe.Run(
        tmp_path_factory.mktemp("run"),
        PRESETS["tiny"],
        scenes=SCENES,
        steps=STEPS,
        batch=4,
        workers=0,
    )
    recipe.run_all(run)
    return run


@pytest.mark.parametrize("folder", ["model-pretrain", "model"])
def test_every_stage_leaves_a_model_that_answers(run, folder):
    model = load(run.out / folder)
    assert model.config.audio_width == PRESETS["tiny"].audio_width
    assert isinstance(model.ask(SILENCE, "what is it?", max_new_tokens=2), str)


def test_what_is_done_is_not_done_again(run, monkeypatch):
    monkeypatch.setattr(recipe.ClapBatches, "__call__", None)
    before = {
        p: p.stat().st_mtime_ns for p in (run.out / "features").rglob("*.safetensors")
    }
    assert len(recipe.run_stage(run, "clap")) == STEPS
    assert len(recipe.run_stage(run, "sft")) == STEPS
    assert before == {p: p.stat().st_mtime_ns for p in before} != {}


def recordings_of(folder: Path, label: str) -> str:
    (folder / "audio").mkdir(parents=True)
    soundfile.write(folder / "audio" / "x.wav", np.zeros(16_000), 16_000)
    (folder / "meta.csv").write_text(f"filename,fold,label\nx.wav,1,{label}\n")
    return str(folder)


def test_a_folder_belongs_to_one_run(run, tmp_path):
    kept = json.loads((run.out / "run.json").read_text())
    assert kept["preset"] == "tiny" and kept["recordings"] is None
    assert kept["shards"] is None
    with pytest.raises(ValueError, match="whose seed is 0, and this run's is 1"):
        recipe.run_stage(replace(run, seed=1), "sft")
    mini = replace(run, config=PRESETS["mini"])
    with pytest.raises(ValueError, match="whose preset is 'tiny'"):
        recipe.run_stage(mini, "clap")
    esc = replace(run, recordings=recordings_of(tmp_path / "esc10", "rain"))
    with pytest.raises(ValueError, match="whose recordings is None"):
        recipe.run_stage(esc, "clap")


def test_a_wrong_start_claims_no_folder(run, tmp_path):
    """What fails before its first step must not refuse the right one after it."""
    for recordings, fault in (
        (str(tmp_path / "nowhere"), FileNotFoundError),
        (recordings_of(tmp_path / "zoo", "zebra"), ValueError),
    ):
        wrong = replace(run, out=tmp_path / "new", recordings=recordings)
        with pytest.raises(fault, match="no class that SoundWorld|not an ESC folder"):
            recipe.run_stage(wrong, "clap")
    other = replace(run, out=tmp_path / "new", start_from="mini")
    with pytest.raises(ValueError, match="a model of preset 'mini'.*--preset mini"):
        recipe.run_stage(other, "sft")
    early = replace(run, out=tmp_path / "new", seed=1)
    with pytest.raises(FileNotFoundError, match="run clap first"):
        recipe.run_stage(early, "pretrain")
    assert not (tmp_path / "new").exists()


def test_whose_a_folder_is_comes_before_what_it_lacks(run, tmp_path):
    (tmp_path / "run.json").write_text((run.out / "run.json").read_text())
    with pytest.raises(ValueError, match="whose seed is 0, and this run's is 1"):
        recipe.run_stage(replace(run, out=tmp_path, seed=1), "sft")


@pytest.mark.parametrize("seed", [-1, 10_000_000])
def test_the_seeds_of_the_exam_are_not_trained_on(run, seed):
    with pytest.raises(ValueError, match="held out for the exam"):
        replace(run, seed=seed)


def test_a_damaged_run_is_told(run, tmp_path):
    shutil.copytree(run.out, tmp_path / "copy")
    copy = replace(run, out=tmp_path / "copy", steps=STEPS + 1)
    folder = checkpoints.newest(copy.out / "sft")
    for name in ("optimizer.safetensors", "model.safetensors", "state.json"):
        file = folder / name
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        with pytest.raises(ValueError, match=f"{folder.name}.* is damaged"):
            recipe.run_stage(copy, "sft")
    (copy.out / "sft" / "latest.json").write_text("{}")
    with pytest.raises(ValueError, match="a checkpoint lies beside it"):
        recipe.run_stage(copy, "sft")


def test_no_step_is_lost_or_left_behind(run):
    with pytest.raises(ValueError, match=r"holds 2 steps of stage sft.*--resume"):
        recipe.run_stage(run, "sft", resume=False)
    longer = replace(run, steps=STEPS + 1)
    with pytest.raises(ValueError, match="pretrain has learnt from it as it is"):
        recipe.run_stage(longer, "clap")
    with pytest.raises(ValueError, match="sft has learnt from it as it is"):
        recipe.run_stage(longer, "pretrain")


def test_attention_is_not_planned_for_every_shape(run):
    assert run and not torch.backends.cuda.cudnn_sdp_enabled()


def test_a_short_run_notes_its_gates_ten_times(run):
    assert replace(run, steps=150).stage("sft").checkpoint_every == 15
    assert replace(run, steps=None).stage("sft").checkpoint_every == 200
    _, log = checkpoints.load(run.out / "sft", recipe.new_model(run))
    assert all("gates" in row for row in log) and len(log) == STEPS


def test_the_control_without_pretraining_has_its_own_folder(run):
    kept = (run.out / "model" / "model.safetensors").read_bytes()
    recipe.run_stage(replace(run, skip_pretrain=True), "sft")
    alone = (run.out / "model-sft-alone" / "model.safetensors").read_bytes()
    assert alone != kept
    assert (run.out / "model" / "model.safetensors").read_bytes() == kept


def test_a_new_run_goes_on_from_a_finished_model(run, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe.ClapBatches, "__call__", None)  # its towers are done
    later = replace(run, out=tmp_path, start_from=run.out / "model")
    recipe.adopt(later)
    before = load(run.out / "model").state_dict()
    start = recipe.new_model(later)
    checkpoints.load(tmp_path / "pretrain", start)
    for name, tensor in start.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    recipe.run_all(later)
    with pytest.raises(ValueError, match=r"whose start_from is 'model \w{12}'"):
        recipe.adopt(replace(later, start_from=run.out / "model-pretrain"))
    answer = load(tmp_path / "model").ask(SILENCE, "what is it?", max_new_tokens=2)
    assert isinstance(answer, str)


def test_what_is_alike_is_learnt_from_the_scenes_of_each_run(
    run, tmp_path, monkeypatch
):
    one = replace(run, out=tmp_path / "one")
    shutil.copytree(run.out, one.out)
    two = {"a": [0, 1], "b": [2, 3]}
    monkeypatch.setattr(recipe, "single_sounds", lambda scenes: two)
    recipe.finish(one, "sft")
    assert load(one.out / "model").encoder.alike is None  # too few
    monkeypatch.setattr(likeness, "FEWEST_CLASSES", 2)
    monkeypatch.setattr(likeness, "FEWEST_SOUNDS", 4)
    recipe.finish(one, "sft")
    model = load(one.out / "model")
    assert model.encoder.alike.out_features == model.config.encoder.alike == 1
    monkeypatch.undo()
    later = replace(run, out=tmp_path / "two", start_from=one.out / "model")
    recipe.run_stage(later, "sft")  # of too few sounds for a map of its own
    assert recipe.trained_clap(later).encoder.alike is None
    again = load(later.out / "model").encoder
    assert torch.equal(again.alike.weight, model.encoder.alike.weight)


def test_a_run_with_an_encoder_of_its_own_adopts_none(run):
    kept = checkpoints.newest(run.out / "lm")
    with pytest.raises(ValueError, match="trained its own clap"):
        recipe.run_stage(replace(run, start_from=run.out / "model"), "sft")
    assert checkpoints.newest(run.out / "lm") == kept


def test_processes_that_ask_change_nothing(run, monkeypatch):
    alone = run.texts
    monkeypatch.setattr(settings, "beside_gpu", lambda workers: workers)
    shared = replace(run, workers=2).texts
    for name in Rows.__dataclass_fields__:
        assert (getattr(shared.rows, name) == getattr(alone.rows, name)).all()


def test_a_step_asks_the_same_with_and_without_sound(run):
    (silent,), (named,) = run.texts.texts(0), run.texts.places(0)
    assert torch.equal(silent["input_ids"], named["input_ids"])
    learnt = named["labels"] != IGNORE
    assert torch.equal(named["labels"][learnt], named["input_ids"][learnt])
    everything = silent["labels"] != IGNORE
    assert torch.equal(everything, silent["attention_mask"])
    assert 0 < learnt.sum() < everything.sum()
    assert named["places"].shape == (len(silent["input_ids"]), 1)


def test_questions_of_one_kind(run):
    tokenizer, kinds = recipe.tokenizer_of(run), ["dialogue"]
    some = settings.FlamingoBatches(run.sampled, tokenizer, kinds=kinds)
    texts = [tokenizer.decode(some.rows.text(i)) for i in range(len(some.rows.lengths))]
    assert all("the task is dialog" in text for text in texts)
    assert 0 < len(texts) < len(run.texts.rows.lengths)
    np.testing.assert_allclose(some.rows.weights.sum(), SCENES)
    with pytest.raises(ValueError, match="of the kinds .'clasify'.. Choose others"):
        settings.FlamingoBatches(run.sampled, tokenizer, kinds=["clasify"])


def test_what_is_asked_does_not_hang_on_how_the_scene_was_drawn(run, monkeypatch):
    first = []  # the first draw of each questioner; the scene's own has seed 3
    for module in (batches, corpus):
        asks = lambda scene, rng: first.append(rng.random()) or []  # noqa: E731
        monkeypatch.setattr(module, "ask_scene", asks)
    batches.tokenised_questions(corpus.sample_scene(3, {}), 3, recipe.tokenizer_of(run))
    corpus.text_corpus(range(3, 4))
    assert len(first) == batches.ROUNDS + 1
    assert np.random.default_rng(3).random() not in first


def test_no_window_is_cut_from_a_scene_of_the_exam(monkeypatch):
    seeds, sample_scene = [], corpus.sample_scene
    told = lambda seed, recordings: seeds.append(seed) or sample_scene(0, {})  # noqa: E731
    monkeypatch.setattr(windows, "sample_scene", told)
    monkeypatch.setattr(windows, "render_scene", lambda *_: np.zeros(160_000))
    for number in range(100):
        windows.draw_windows(np.random.default_rng(number), {})
    assert len(seeds) > 10 and max(seeds) < corpus.HELD_OUT_SEED


def test_rows_are_drawn_as_often_as_their_weight_says():
    parts = [Rows.of([[1, 2, 3], [4]], 0, [1, 2]), Rows.of([[5, 6]], 1, [7])]
    rows, rng = Rows.joined(parts), np.random.default_rng(0)
    assert [rows.text(i) for i in range(3)] == [[1, 2, 3], [4], [5, 6]]
    share = np.bincount(rows.draw(rng, 20_000)) / 20_000
    np.testing.assert_allclose(share, [0.1, 0.2, 0.7], atol=0.01)
    ids, real = rows.padded(np.array([2, 0]), pad=9)
    assert ids.tolist() == [[5, 6, 9], [1, 2, 3]]
    assert real.tolist() == [[True, True, False], [True, True, True]]


def test_sounds_are_looked_up_by_the_number_of_their_scene():
    features = torch.arange(4.0).view(4, 1, 1).expand(4, 2, 3).half()  # (N, L, E)
    mask = torch.tensor([[1, 1], [1, 0], [1, 1], [1, 1]])
    places = torch.tensor([[3, 1], [2, -1]])
    batch = with_sounds({"places": places, "other": 1}, features, mask)
    assert batch["other"] == 1 and batch["audio_features"].dtype == torch.float
    assert batch["audio_features"][:, :, 0].tolist() == [[3, 3, 1, 1], [2, 2, 0, 0]]
    assert batch["audio_mask"].int().tolist() == [[1, 1, 1, 0], [1, 1, 0, 0]]
    model = torch.nn.Module()
    model.forward = lambda audio_features, audio_mask: audio_mask.sum()
    hook = remember(model, features, mask)
    assert model(places=places) == 5
    hook.remove()
    with pytest.raises(TypeError, match="places"):
        model(places=places)


def test_rows_of_a_batch_are_alike_and_long_ones_are_few():
    rng = np.random.default_rng(0)
    lengths, sizes = rng.integers(60, 600, 400), {}
    for _ in range(200):
        batch = lengths[alike(lengths, 50, 2_560, rng)]
        longest = batch.max()
        assert 1 <= len(batch) <= 50 and len(batch) * longest <= 2_560
        assert batch.sum() > 0.5 * len(batch) * longest
        sizes[longest // 200] = len(batch)
    assert sizes[0] > sizes[2]
    assert alike(np.array([9_000]), 4, 2_560, rng).tolist() == [0]


@pytest.mark.parametrize(
    "able, precision", [({"avx512_bf16": True}, "bf16"), ({}, "no")]
)
def test_bfloat16_is_used_where_the_machine_has_it(monkeypatch, able, precision):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    run = recipe.Run(Path("unused"))
    assert run.stage("sft").precision == precision


def test_windows_are_synthesised_once(tmp_path, monkeypatch):
    kept = keep_windows(tmp_path, range(8))
    for window, same in zip(kept, drawn_with(0), strict=False):
        assert window.score == same.score
        np.testing.assert_allclose(window.samples, same.samples, atol=1e-3)
    assert len(kept) == len(kept.scores) >= 8
    (tmp_path / "windows-00000000-8.npy").rename(tmp_path / "aside.npy")
    with pytest.raises(AssertionError, match="again"):
        monkeypatch.setattr(kept_windows, "drawn_with", rendered_again)
        keep_windows(tmp_path, range(8))
    (tmp_path / "aside.npy").rename(tmp_path / "windows-00000000-8.npy")
    assert keep_windows(tmp_path, range(8)).scores == kept.scores


def rendered_again(seed: int) -> None:
    """Stands where nothing may be rendered."""
    raise AssertionError("rendered again")


def test_kept_windows_are_found_by_their_number(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_windows, "SHARD", 2)
    kept = keep_windows(tmp_path, range(5))
    assert len(list(tmp_path.glob("*.npy"))) == 3
    drawn = [window for seed in range(5) for window in drawn_with(seed)]
    for i, window in enumerate(drawn):
        np.testing.assert_allclose(kept[i].samples, window.samples, atol=1e-3)
        assert kept[i].score == window.score


def test_a_batch_of_kept_windows_has_recordings_heard_anew(words, tmp_path):
    kept = keep_windows(tmp_path, range(40))
    noise = np.random.default_rng(0).standard_normal(80_000).astype(np.float32)
    batches = clap_batches.ClapBatches(words, {"rain": [noise]}, size=8, windows=kept)
    drawn = [batches(step)[0] for step in range(6)]
    known = {window.samples.tobytes() for window in kept}
    strange = [
        row.numpy()
        for batch in drawn
        for row in batch["windows"]
        if row.numpy().tobytes() not in known
    ]
    assert strange and len({row.tobytes() for row in strange}) == len(strange)
    assert torch.equal(batches(3)[0]["windows"], drawn[3]["windows"])


def test_a_batch_has_no_more_rows_than_kept_windows_differ(words, tmp_path):
    kept = keep_windows(tmp_path, range(4))
    (batch,) = clap_batches.ClapBatches(words, {}, size=64, windows=kept)(0)
    assert len(batch["windows"]) == len(batch["texts"]) == kept.different < 64


def test_no_stage_begins_on_a_half_done_one(run, tmp_path):
    part = replace(run, out=tmp_path / "part")
    shutil.copytree(run.out, part.out)
    shutil.rmtree(part.out / "sft")
    longer = replace(part, steps=STEPS + 1)
    with pytest.raises(ValueError, match="stage clap .* 2 of 3 steps.*--stage clap"):
        recipe.run_stage(longer, "sft")
    shutil.rmtree(part.out / "pretrain")
    shutil.rmtree(part.out / "lm")
    with pytest.raises(FileNotFoundError, match="run lm first"):
        recipe.run_stage(part, "pretrain")


def test_other_sizes_than_at_first_are_told(run):
    with pytest.warns(UserWarning, match="began with scenes 4, batch 4; .* 5, batch 8"):
        recipe.run_stage(replace(run, scenes=SCENES + 1, batch=8), "clap")


def test_scenes_that_a_small_model_hears_in_part_are_not_told(run, tmp_path):
    encoder = recipe.trained_clap(run).encoder
    long = lambda seed: np.zeros(16_000 * 60, np.float32)  # noqa: E731
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build_features(encoder, {}, tmp_path, range(1), sound=long)
