"""How `mini` is made, stage by stage, from SoundWorld and a folder of real recordings.

    tokenizer -> windows -> clap -> features of scenes -> lm -> pretrain -> sft -> model

Each step leaves its folder in the run. A step that is done is not done again, and one
that was killed goes on where it was.

Taught in: notebooks/08_staged_training.ipynb
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ..clap import MiniCLAP, load_clap, save_clap
from ..disk import checkpoints
from ..disk.run_folder import (
    check_adopts,
    check_may_train,
    check_own,
    claim,
    steps_taken,
)
from ..disk.storage import model_folder
from ..model import AudioFlamingo, load
from ..scale.processes import beside_gpu, first_alone
from ..tokenizer import special_ids
from ..training import train
from . import learn_to_compare as to_compare
from .batches import TOKENS, gathered, mixed, scattered
from .clap_batches import ClapBatches
from .episodes import single_sounds
from .features import build_features
from .guidance import guide, start_alike
from .kept_windows import keep_windows
from .likeness import fit_likeness, forget_likeness, take_likeness
from .places import remember
from .run import STAGES, Run, tokenizer_of
from .whose import from_examples

MOST_WINDOWS = 128  # in a step of clap: more of different sounds are hard to find
FEW_SHOT = 0.5  # share of the steps of sft that learn from examples
# by folder in the run; "sft-alone" is the control that skips pre-training
STARTS_FROM = {"lm": None, "pretrain": "lm", "sft": "pretrain", "sft-alone": "lm"}
RESTS = "pretrain", "sft", "sft-alone"
LATER = {"clap": RESTS, "lm": RESTS, "pretrain": ("sft",), "sft": (), "sft-alone": ()}
MODELS = {  # folder of a stage in the run -> folder of the finished model
    "pretrain": "model-pretrain",
    "sft": "model",
    "sft-alone": "model-sft-alone",
}


def adopt(run: Run) -> None:
    """Let a run go on from a finished model, as if its own stages had made it.

    Stage `sft` then starts from these weights, with this encoder and tokenizer. A run
    that has begun so keeps what it has.

    Raises ValueError in the folder of another run, and of one with an encoder of its
    own; and when the model is of another preset than the run.

    Taught in: notebooks/08_staged_training.ipynb
    """
    model = load(run.start_from)
    clap = load_clap(model.encoder, model.tokenizer, model_folder(run.start_from))
    check_adopts(run.out, ("clap", "lm", "pretrain"), run.start_from)
    if model.config.name != run.config.name:
        raise ValueError(
            f"{run.start_from} is a model of preset {model.config.name!r}, and this "
            f"run is of {run.config.name!r}; give --preset {model.config.name}."
        )
    claim(run.out, run.settings, run.sizes)
    if steps_taken(run.out / "clap"):
        return
    with first_alone() as first:
        if first:
            model.tokenizer.save_pretrained(run.out / "tokenizer")
    forget_likeness(clap.encoder)  # `finish` fits another, or takes it back
    model.encoder = None  # the run keeps it in stage clap
    for stage, module in (("lm", model), ("pretrain", model), ("clap", clap)):
        fresh = torch.optim.AdamW(module.parameters())
        steps = run.stage(stage).steps
        checkpoints.save(run.out / stage, module, fresh, steps, [], stage)


def run_stage(run: Run, stage: str, resume: bool = True) -> list[dict]:
    """Do one stage, and save the finished model after `pretrain` and `sft`.

    The stages before it must be done; tokenizer and features are made if need be.

    Raises ValueError in the folder of another run, where steps would be lost, and where
    an earlier stage was stopped on its way; FileNotFoundError where one is missing.

    Taught in: notebooks/08_staged_training.ipynb
    """
    if run.start_from is not None:
        adopt(run)
    else:
        check_own(run.out, run.settings)
    name, steps = run.folder(stage).name, run.stage(stage).steps
    needs = ("clap", STARTS_FROM[name]) if name in RESTS else ()
    before = {earlier: run.stage(earlier).steps for earlier in needs}
    check_may_train(run.out, name, steps, resume, LATER[name], before)
    if run.start_from is None:  # else `adopt` has claimed it
        claim(run.out, run.settings, run.sizes)
    torch.manual_seed(run.seed)
    if stage == "clap":
        clap = new_clap(run)
        size = min(run.batch, MOST_WINDOWS)
        kept = keep_windows(run.out / "windows", run.window_seeds, run.workers)
        batches = ClapBatches(clap, run.heard, run.seed, size, kept)
        settings = run.stage(stage), run.out / stage, resume, run.workers
        return train(clap, batches, *settings)
    batches, model = run.texts.texts, new_model(run)
    if stage != "lm":
        encoder = trained_clap(run).encoder
        sounds = hear_scenes(run, encoder)
        if stage == "sft" and run.compare:
            sounds = to_compare.with_invented(run, encoder, sounds)
        remember(model, *sounds)
        batches = run.texts.places
    before = STARTS_FROM[name]
    if before is not None:
        _, log = checkpoints.load(run.out / before, model)
    if stage == "sft":
        if log:  # of this run; a finished model that goes on keeps its heads
            start_alike(model)
        batches = with_examples(run, model, batches, encoder, sounds)
    batches = scattered(batches, run.config.lm["max_position_embeddings"], run.seed)
    batches = gathered(batches, run.stage(stage).accumulation)
    settings = run.stage(stage), run.folder(stage), resume, beside_gpu(run.workers)
    log = train(model, batches, *settings, fsdp=run.fsdp)
    if stage != "lm":
        finish(run, stage)
    return log


def hear_scenes(run: Run, encoder) -> tuple[Tensor, Tensor]:
    """Features and mask of the run's scenes."""
    folder = run.out / "features"
    return build_features(encoder, run.heard, folder, run.seeds, run.workers)


def with_examples(run: Run, model, batches: Callable, encoder, sounds) -> Callable:
    """Batches of `sft` with few-shot episodes among them, for which heads are guided.

    Neighbours are those of the joint space: `liken` is fitted to these very scenes, and
    would find hardly a wrong one here. Some runs ask which is likest as well.
    """
    features, mask = (part[: run.scenes] for part in sounds)
    with torch.no_grad():
        near = encoder.pool(features.float(), mask).cpu().numpy()  # (N, C)
    sizes = {"audios": run.batch + run.batch // 2, "tokens": TOKENS * run.batch}
    sizes |= {"seed": run.seed, "longest": run.config.lm["max_position_embeddings"]}
    told = near, run.episodes, model.tokenizer, *sounds
    few_shot, share, ear = from_examples(run.sampled, *told, **sizes), FEW_SHOT, None
    if run.compare:
        teacher = to_compare.teacher_of(run)
        ear, share = teacher.encoder, to_compare.FEW_SHOT
        likest = to_compare.comparing_batches(run, teacher, *sounds, **sizes)
        few_shot = mixed(few_shot, likest, to_compare.COMPARED, run.seed + 2)
        to_compare.add_readings(model, ear)
    guide(model, special_ids(model.tokenizer)["sep"], ear=ear)
    return mixed(batches, few_shot, share, run.seed)


def run_all(run: Run, resume: bool = True) -> None:
    """All stages in order.

    Taught in: notebooks/08_staged_training.ipynb
    """
    for stage in STAGES:
        if not (run.skip_pretrain and stage == "pretrain"):
            run_stage(run, stage, resume)


def finish(run: Run, stage: str) -> None:
    """Put the trained encoder and the model of a stage together, and save both towers.

    What sounds are compared by is fitted to the scenes of the run; where these are too
    few, a model that the run started from hands on its own.

    Taught in: notebooks/08_staged_training.ipynb
    """
    model, clap, done = new_model(run), trained_clap(run), run.folder(stage)
    folder = run.out / MODELS[done.name]
    compared = stage == "sft" and run.compare
    if compared:
        to_compare.add_readings(model, to_compare.teacher_of(run).encoder)
    checkpoints.load(done, model)
    if compared:
        del model.readings
    sounds = hear_scenes(run, clap.encoder)
    fitted = fit_likeness(clap.encoder, *sounds, single_sounds(run.sampled))
    if not fitted and run.start_from is not None:
        take_likeness(clap.encoder, load(run.start_from).encoder)
    model.encoder = clap.encoder
    model.config = replace(model.config, encoder=clap.encoder.config)
    model.eval()
    with first_alone() as first:
        if first:
            model.save_pretrained(folder, torch.float16)
            save_clap(clap, folder)
            print(f"The model is in {folder}.")


def new_clap(run: Run) -> MiniCLAP:
    """Untrained towers with the run's tokenizer."""
    return MiniCLAP(run.config.encoder, run.config.audio, tokenizer_of(run))


def trained_clap(run: Run) -> MiniCLAP:
    """The towers that stage `clap` left in the run.

    Raises FileNotFoundError when stage `clap` was not run.
    """
    clap = new_clap(run)
    steps, _ = checkpoints.load(run.out / "clap", clap)
    if steps == 0:
        raise FileNotFoundError(
            f"{run.out / 'clap'} holds no trained encoder: run stage clap first."
        )
    return clap.eval()


def new_model(run: Run) -> AudioFlamingo:
    """An untrained model with the run's tokenizer, without its encoder."""
    tokenizer = tokenizer_of(run)
    ids = special_ids(tokenizer)
    config = replace(
        run.config,
        lm={**run.config.lm, "vocab_size": len(tokenizer)},
        audio_token_id=ids["audio"],
        sep_token_id=ids["sep"],
        eoc_token_id=ids["eoc"],
    )
    model = AudioFlamingo(config)
    model.tokenizer = tokenizer
    if not torch.cuda.is_available():  # on a CPU the fused kernel's backward is slower
        model.lm.set_attn_implementation("eager")
    return model
