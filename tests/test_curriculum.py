"""Audio Flamingo 2's curriculum: stages, packed rows, the ear inside, runs, exams."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from af_minimal import __main__ as cli
from af_minimal.audio import Clip
from af_minimal.config import PRESETS
from af_minimal.model import load
from af_minimal.prompts import IGNORE
from af_minimal.stages import freeze, group_of
from af_minimal.systems.curriculum import recipe
from af_minimal.systems.curriculum.asked import SCENES
from af_minimal.systems.curriculum.batches import TOKENS, CurriculumBatches
from af_minimal.systems.curriculum.building import (
    new_model,
    new_tokenizer,
    rows_of,
    stage_batches,
    text_batches,
)
from af_minimal.systems.curriculum.ears import (
    check_heard,
    dense_encoder,
    parts_alike,
)
from af_minimal.systems.curriculum.exam import long_exam, skills_exam, unlettered
from af_minimal.systems.curriculum.small import (
    SMALL,
    VOCABULARY,
    small_curriculum,
    some_scenes,
)
from af_minimal.systems.curriculum.sounds import scenes_of
from af_minimal.systems.curriculum.stages import (
    CURRICULUM,
    LONG,
    NAMES,
    SKILLS,
    SOUNDWORLD,
    remaining,
    stage_table,
)
from af_minimal.systems.long_audio.bench import SHARES
from af_minimal.tokenizer import special_ids

SILENCE = Clip.from_array(np.zeros(16_000, dtype=np.float32), 16_000)


@pytest.fixture(scope="module")
def scenes():
    return some_scenes(6)


@pytest.fixture(scope="module")
def tokenizer(scenes):
    return new_tokenizer(scenes, VOCABULARY)


@pytest.fixture
def model(tokenizer):
    """Untrained, with open gates."""
    model = new_model(SMALL, tokenizer)
    for block in model.gated_blocks:
        block.attn_gate.data.fill_(0.7)
        block.ff_gate.data.fill_(0.7)
    return model.eval()


# stages


def test_windows_grow_and_the_language_model_keeps_still():
    assert [stage.windows for stage in CURRICULUM] == [5, 12, 30]
    always = {"audio transformer", "gated blocks", "token rows"}
    assert [set(s.trains) for s in CURRICULUM] == [always, always | {"encoder"}, always]
    assert set(CURRICULUM[2].blend) == {SOUNDWORLD, SKILLS, LONG}
    for stage in CURRICULUM:
        line = next(x for x in stage_table().splitlines() if x.startswith(stage.name))
        assert f" {stage.windows} " in line and "language model" not in line


def test_a_stage_trains_what_its_table_says(model):
    for stage in CURRICULUM:
        recipe = stage.recipe_for(model.tokenizer)
        freeze(model, recipe.stage, recipe.only_token_rows)
        learns = {n for n, p in model.named_parameters() if p.requires_grad}
        assert any(n.startswith("encoder.") for n in learns) == (stage.name == "skills")
        of_lm = {n for n in learns if group_of(n) == "language model"}
        assert len(of_lm) == 1 and "embed_tokens" in of_lm.pop()


def test_stages_are_skipped_by_name():
    assert [s.name for s in remaining(["skills"])] == ["short", "long"]
    with pytest.raises(ValueError, match="the stages are"):
        remaining(["sleep"])
    with pytest.raises(ValueError, match="not all"):
        remaining(NAMES)


# scenes and rows


@pytest.mark.parametrize("name", SCENES)
def test_scenes_are_heard_whole_and_are_the_same_for_a_seed(name, scenes):
    (stage,) = [s for s in CURRICULUM if name in s.blend][:1]
    for scene in scenes[name]:
        assert len(scene.questions) == len(scene.weights) > 0
        check_heard(scene.score.duration_s, SMALL, stage.windows)
    assert SCENES[name](2, 0) == scenes[name][:2]
    assert SCENES[name](2, 50) != scenes[name][:2]


def test_a_sound_that_would_be_cut_is_refused():
    with pytest.raises(ValueError, match="has no answer"):
        check_heard(24.0, SMALL, 5)


def test_packed_questions_cannot_see_each_other(model, scenes):
    rows = rows_of(scenes, model.tokenizer, SMALL)[SKILLS]
    row = max(rows, key=lambda row: len(row.texts))
    assert len(row.texts) > 1 and row.length == len(row.ids) + row.audio
    heard = torch.randn(1, row.audio // 2, 2, SMALL.audio_width)
    places = torch.tensor([row.places])
    with torch.no_grad():
        whole = model(
            torch.tensor([row.ids]), position_ids=places, audio_features=heard
        ).logits[0]  # (T, V)
        alone = [
            model(torch.tensor([text]), audio_features=heard).logits[0]
            for text in row.texts
        ]
    torch.testing.assert_close(whole, torch.cat(alone))


def test_padding_changes_no_loss(model, scenes):
    rows = rows_of(scenes, model.tokenizer, SMALL)
    hear = {
        name: [torch.randn(row.audio // 2, 2, SMALL.audio_width) for row in some]
        for name, some in rows.items()
    }

    def sound(name, scene):
        heard = hear[name][scene]
        return heard, torch.ones(len(heard), dtype=torch.bool)

    batches = CurriculumBatches(
        {SKILLS: rows[SKILLS][:3]}, {SKILLS: 1.0}, model.tokenizer, sound
    )
    (batch,) = batches(0)
    assert len(batch["input_ids"]) > 1
    total = count = 0
    for i in range(len(batch["input_ids"])):
        row = {k: v[i : i + 1] for k, v in batch.items()}
        n = int((row["labels"] != -100).sum())
        length = int((row["input_ids"] != model.tokenizer.pad_token_id).sum())
        short = {k: v[:, :length] for k, v in row.items() if "audio" not in k}
        real = int(row["audio_mask"].sum())
        heard = {k: v[:, :real] for k, v in row.items() if "audio" in k}
        total += n * model(**short, **heard).loss.item()
        count += n
    assert model(**batch).loss.item() == pytest.approx(total / count, rel=1e-4)


def test_batches_belong_to_their_step_and_hold_little_padding(tokenizer):
    many = {SOUNDWORLD: SCENES[SOUNDWORLD](40, 0), SKILLS: SCENES[SKILLS](40, 0)}
    rows = rows_of(many, tokenizer, SMALL)
    batches = text_batches(rows, tokenizer)
    again = text_batches(rows, tokenizer)
    late = again(30)[0]["input_ids"]  # whatever was asked for before
    assert torch.equal(batches(2)[0]["input_ids"], again(2)[0]["input_ids"])
    assert torch.equal(batches(30)[0]["input_ids"], late)
    assert not torch.equal(batches(0)[0]["input_ids"], batches(1)[0]["input_ids"])
    found = batches.padding()
    assert found["dynamic"] < found["random"]
    for step in range(20):
        (batch,) = batches(step)
        assert batch["input_ids"].numel() <= 1280 and "audio_mask" not in batch


def test_the_longest_row_fits_however_few_rows_are_asked_for(tokenizer, scenes):
    rows = rows_of(scenes, tokenizer, SMALL)[LONG]
    assert max(row.length for row in rows) > TOKENS
    hear = lambda name, scene: None  # noqa: E731
    for most in (1, 2):
        batches = CurriculumBatches(
            {LONG: rows}, {LONG: 1.0}, tokenizer, hear, most=most
        )
        assert 1 <= len(batches.chosen(0)) <= most


def test_no_label_crosses_the_border_of_two_texts(tokenizer, scenes):
    rows = {SKILLS: rows_of(scenes, tokenizer, SMALL)[SKILLS]}
    hear = lambda name, scene: (torch.ones(3, 1, 4), torch.ones(3).bool())  # noqa: E731
    (batch,) = CurriculumBatches(rows, {SKILLS: 1.0}, tokenizer, hear)(0)
    opens = batch["position_ids"] == 0
    assert (opens.sum(1) > 1).any(), "no row holds two texts"
    ids = special_ids(tokenizer)
    assert (batch["input_ids"][opens] == ids["eos"]).any()
    assert (batch["labels"][opens] == IGNORE).all()
    ends = (batch["input_ids"] == ids["eos"]) & ~opens
    ends &= batch["input_ids"] != ids["pad"]
    assert ends.any() and (batch["labels"][ends] == ids["eos"]).all()


def test_no_scene_is_asked_the_same_twice():
    for name in (SOUNDWORLD, SKILLS, LONG):
        for scene in SCENES[name](20, 0):
            asked = [(q.prompt, q.output) for q in scene.questions]
            assert len(set(asked)) == len(asked), name
    for scene in SCENES[LONG](5, 0):  # and the official shares are kept
        weights = dict.fromkeys(SHARES, 0.0)
        for question, weight in zip(scene.questions, scene.weights, strict=True):
            weights[question.kind] += weight
        assert weights == pytest.approx(SHARES)


def test_features_are_kept_under_the_name_of_their_scores(scenes):
    part = scenes[SKILLS][:2]
    other = replace(part[0].score, duration_s=part[0].score.duration_s + 1)
    assert other.seed == part[0].score.seed
    assert scenes_of([replace(part[0], score=other), part[1]]) != scenes_of(part)
    assert scenes_of(part[::-1]) != scenes_of(part) == scenes_of(list(part))


# ears


def test_windows_and_features_give_the_same_and_windows_teach_the_encoder(
    model, scenes
):
    short, skills, _ = CURRICULUM
    features = stage_batches(short, model, scenes)
    windows = stage_batches(replace(short, recipe=skills.recipe), model, scenes)
    (one,), (other,) = features(0), windows(0)
    assert "windows" in other and "audio_features" not in other
    loss = model(**other).loss
    # features are kept in half precision
    assert loss.item() == pytest.approx(model(**one).loss.item(), rel=1e-3)
    loss.backward()
    assert model.encoder.tower.out.weight.grad.abs().max() > 0


def test_processes_that_render_ahead_change_nothing(model, scenes):
    short = CURRICULUM[0]
    (alone,), (ahead,) = (
        stage_batches(short, model, scenes, batch=3, workers=n)(0) for n in (0, 1)
    )
    assert len(alone["input_ids"]) <= 3
    for name, tensor in alone.items():
        assert torch.equal(tensor, ahead[name]), name


def test_the_encoder_of_mini_is_taken_over():
    config = PRESETS["mini2"]
    dense, pooled = dense_encoder(config, "mini"), load_mini().encoder
    fold = dense.tower.fold.weight
    torch.testing.assert_close(fold, pooled.tower.fold.weight)
    # where all parts of a window are the same, both say the same
    part = torch.rand(2, config.encoder.width)
    joined = part.unsqueeze(-1).expand(-1, -1, 4).flatten(1)
    torch.testing.assert_close(dense.tower.out(part), pooled.tower.out(joined))
    noise = 0.1 * torch.randn(2, config.audio.window)
    assert dense(noise).shape == (2, 4, config.encoder.width)
    assert parts_alike(dense, pooled, noise) > 0.8


def load_mini():
    from af_minimal.disk.storage import model_folder

    return load(model_folder("mini"))


def test_an_encoder_of_another_size_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        dense_encoder(SMALL, "mini")


# runs


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """All stages of a small run, two steps each."""
    run = recipe.CurriculumRun(
        tmp_path_factory.mktemp("run"),
        SMALL,
        {SOUNDWORLD: 4, SKILLS: 3, LONG: 2},
        encoder=None,
        steps=2,
    )
    recipe.run_all(run)
    return run


def test_a_run_leaves_a_model_that_answers(run):
    model = load(run.out / "model")
    assert model.config.name == "small2"
    said = model.ask(SILENCE, "what do you hear?", max_new_tokens=2)
    assert isinstance(said, str)


def test_what_is_done_is_not_done_again(run, monkeypatch):
    before = (run.out / "model" / "model.safetensors").read_bytes()
    monkeypatch.setattr(CurriculumBatches, "__call__", None)
    recipe.run_all(run)
    assert (run.out / "model" / "model.safetensors").read_bytes() == before


def test_scenes_of_the_exam_are_no_training_scenes(tmp_path):
    with pytest.raises(ValueError, match="seed 833 and 4000 scenes.*held out"):
        recipe.CurriculumRun(tmp_path, seed=833)
    assert recipe.CurriculumRun(tmp_path, seed=832).seed == 832
    with pytest.raises(ValueError, match="seed -1"):
        recipe.CurriculumRun(tmp_path, seed=-1)


def test_a_stage_needs_those_before_it(run, tmp_path):
    fresh = replace(run, out=tmp_path)
    with pytest.raises(FileNotFoundError, match="run lm first"):
        recipe.run_stage(fresh, "short")
    with pytest.raises(ValueError, match="not among"):
        other = replace(run, out=tmp_path / "other", skip=("long",))
        recipe.run_stage(other, "long")
    start = replace(run, out=tmp_path / "third", start_from=run.out / "model")
    with pytest.raises(FileNotFoundError, match="run short first"):
        recipe.run_stage(start, "skills")
    assert not list(tmp_path.iterdir())  # so the corrected command may have the folder
    with pytest.raises(ValueError, match=r"whose skip is \[\]"):
        recipe.run_stage(replace(run, skip=("long",)), "skills")


def test_the_second_stage_alone_moves_the_encoder(run):
    weights = {}
    for stage in ("short", "skills", "long"):
        model = run.model()
        recipe.load_stage(run, stage, model)
        weights[stage] = model.encoder.state_dict()
    name = "tower.out.weight"
    assert not torch.equal(weights["short"][name], weights["skills"][name])
    for name, tensor in weights["skills"].items():
        torch.testing.assert_close(weights["long"][name], tensor, rtol=0, atol=0)


def test_of_the_language_model_two_token_rows_learn(run):
    """As official AF2: `<audio>` and `<|endofchunk|>`, and not `<SEP>`."""
    ids = special_ids(run.tokenizer)
    before = run.model()
    recipe.load_stage(run, "lm", before)
    for stage in ("short", "skills", "long"):
        after = run.model()
        recipe.load_stage(run, stage, after)
        kept = dict(before.lm.named_parameters())
        for name, tensor in after.lm.named_parameters():
            if "embed_tokens" in name:
                rows = (tensor != kept[name]).any(1).nonzero().flatten()
                assert rows.tolist() == sorted([ids["audio"], ids["eoc"]]), stage
            elif group_of(name) == "language model":
                assert torch.equal(tensor, kept[name]), name
        before = after


def test_a_run_goes_on_from_a_finished_model(run, tmp_path):
    start = {"start_from": run.out / "model", "skip": ("short", "skills")}
    again = replace(run, out=tmp_path / "again", seed=1, **start)
    recipe.run_all(again)
    before, after = (load(r.out / "model") for r in (run, again))
    assert after.tokenizer.get_vocab() == before.tokenizer.get_vocab()
    moved = {
        group_of(name)
        for name, tensor in after.state_dict().items()
        if not torch.equal(tensor, before.state_dict()[name])
    }
    assert moved == {"audio transformer", "gated blocks", "language model"}, moved
    assert "| lm |" not in recipe.log_table(again)  # nothing was read anew
    recipe.run_all(again)  # nothing is left to do
    with pytest.raises(ValueError, match="trained its own lm"):
        recipe.run_all(replace(again, out=run.out))
    with pytest.raises(ValueError, match="is a 'mini'"):
        recipe.run_all(replace(again, out=tmp_path / "other", start_from="mini"))


def test_a_finished_model_is_no_beginning_for_the_text_stage(tmp_path, capsys):
    asked = ["train", "--preset", "mini2", "--stage", "lm", "--start-from", "mini2"]
    assert cli.main([*asked, "--out", str(tmp_path / "run")]) == 2
    assert "--start-from came with --stage lm" in capsys.readouterr().err


def test_each_preset_has_its_own_stages(tmp_path, capsys):
    for preset, stage in (("mini2", "clap"), ("mini", "skills")):
        asked = ["train", "--preset", preset, "--stage", stage, "--out", str(tmp_path)]
        assert cli.main(asked) == 2
        assert f"no stage '{stage}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("preset", "flag", "told"),
    [
        ("mini2", ["--tower", "htsat"], "--tower came with --preset mini2"),
        ("mini2", ["--skip-pretrain"], "--skip-pretrain came with --preset mini2"),
        ("mini", ["--skip", "long"], "--skip came with --preset mini"),
    ],
)
def test_a_flag_of_another_preset_is_refused(tmp_path, capsys, preset, flag, told):
    asked = ["train", "--preset", preset, "--out", str(tmp_path / "run"), *flag]
    assert cli.main(asked) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_small_curriculum_skips_and_learns(scenes):
    few = {name: some[:1] for name, some in scenes.items()}
    model, logs = small_curriculum(few, skip=["skills"], steps=4)
    assert list(logs) == ["lm", "short", "long"]
    assert logs["lm"][-1]["loss"] < logs["lm"][0]["loss"]
    assert model.tokenizer is not None


def test_the_shipped_model_answers():
    import af_minimal as af

    model = af.load("mini2")
    assert model.config.family == "af2" and model.encoder.config.steps == 4
    said = model.ask(SILENCE, "what do you hear?", max_new_tokens=3)
    assert isinstance(said, str)


# exams


def test_an_option_without_its_letter():
    assert unlettered(" (B) low pitched") == unlettered("(a) low pitched")
    assert unlettered("low (b) pitched") == "low (b) pitched"


@pytest.mark.parametrize("audio", ["own", "other"])
def test_exams_have_a_line_for_each_skill_and_a_control(model, audio):
    section = skills_exam(model, 7, audio)
    assert len(section["measures"]) == 9 and len(section["rows"]) == 7
    assert ("other" in section["name"]) == (audio == "other")
    long = long_exam(model, 2, audio)
    assert long["measures"][0]["measure"] == "all"
    assert {part["decoding"]["max_new_tokens"] for part in (section, long)} == {160}
    with pytest.raises(ValueError, match="audio is"):
        skills_exam(model, 7, "silence")


def test_a_stage_waits_for_the_one_before(run, tmp_path):
    part = replace(run, out=tmp_path, steps=3)
    for name in ("lm", "short", "tokenizer"):
        shutil.copytree(run.out / name, tmp_path / name)
    with pytest.raises(ValueError, match="stage short .* has 2 of 3 steps"):
        recipe.run_stage(part, "skills")
    shutil.rmtree(tmp_path / "short")
    with pytest.raises(ValueError, match="stage lm .* has 2 of 3 steps"):
        recipe.run_stage(part, "short")
