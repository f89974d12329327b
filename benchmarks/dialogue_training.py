"""Conversations with and without their training: two models, all else the same.

    python benchmarks/dialogue_training.py [--recordings FOLDER] [--steps 900]

Both begin with the encoder and the tokenizer of `mini`, and with a language model that
knows nothing, of the same seed. They take stages `lm`, `pretrain` and `sft` over the
same scenes, for as many steps. One meets conversations in all three, as `mini` does;
the other questions alone, so these more often. Then both talk about scenes that neither
has heard. A run that was killed goes on at its last checkpoint.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from timing import show, write

from af_minimal.disk import checkpoints
from af_minimal.model import AudioFlamingo
from af_minimal.soundworld.batches import FlamingoBatches, scattered
from af_minimal.soundworld.corpus import ask_scene
from af_minimal.soundworld.dialogue_exam import dialogue_exam
from af_minimal.soundworld.exam import exam
from af_minimal.soundworld.features import build_features
from af_minimal.soundworld.places import remember
from af_minimal.soundworld.recipe import adopt, new_model, trained_clap
from af_minimal.soundworld.run import Run
from af_minimal.training import train

STAGES = {"lm": 0.25, "pretrain": 0.25, "sft": 1.0}  # shares of --steps
HELD_OUT_SCENES = 100


def question_kinds(run: Run) -> set[str]:
    """All kinds of question that the scenes have, without conversations."""
    rng = np.random.default_rng(0)
    asked = [qa for scene in run.sampled[:500] for qa in ask_scene(scene, rng)]
    return {f"{qa.kind} {qa.topic}".strip() for qa in asked}


def trained(run: Run, folder: Path, kinds: set[str] | None, sounds) -> AudioFlamingo:
    """A model after all three stages, without its encoder."""
    texts = FlamingoBatches(
        run.sampled,
        new_model(run).tokenizer,
        size=run.batch,
        seed=run.seed,
        kinds=kinds,
    )
    before = None
    for stage, share in STAGES.items():
        torch.manual_seed(run.seed)
        model = new_model(run)
        batches = texts.texts
        if before:
            checkpoints.load(folder / before, model)
            remember(model, *sounds)
            batches = texts.places
        longest = run.config.lm["max_position_embeddings"]
        batches = scattered(batches, longest, run.seed)
        config = replace(run.stage(stage), steps=int(share * run.steps))
        train(model, batches, config, folder / stage, resume=True)
        before = stage
    return model.eval()


def scores(model: AudioFlamingo) -> dict:
    """What it says in conversation, and to questions asked alone."""
    section = dialogue_exam(model, HELD_OUT_SCENES)
    found = {m["measure"]: m["score"] for m in section["measures"]}
    alone = exam(model, HELD_OUT_SCENES)
    found |= {
        f"asked alone: {m['measure']}": m["score"]
        for m in alone["measures"]
        if m["measure"] in ("caption", "yes or no", "count", "order")
    }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/dialogue-training"))
    parser.add_argument("--recordings", help="folder of ESC-10; none: synthesis alone")
    parser.add_argument("--steps", type=int, default=900, help="of stage sft")
    parser.add_argument("--scenes", type=int, default=2500)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    sizes = {"scenes": args.scenes, "batch": args.batch, "seed": args.seed}
    run = Run(
        args.out,
        recordings=args.recordings,
        steps=args.steps,
        start_from="mini",
        **sizes,
    )
    adopt(run)
    encoder = trained_clap(run).encoder
    folder = run.out / "features"
    sounds = build_features(encoder, run.heard, folder, run.seeds, run.workers)
    found = {}
    for name, kinds in (("conversations", None), ("questions", question_kinds(run))):
        model = trained(run, run.out / name, kinds, sounds)
        model.encoder = encoder
        found[name] = scores(model)
    table = [
        {"what": what} | {name: one[what] for name, one in found.items()}
        for what in found["questions"]
    ]
    show(table)
    write("dialogue training", table)


if __name__ == "__main__":
    main()
