"""A run's folder: whose it is, and which of its stages rest on which.

A run is killed and goes on, by hand and on other days. What it was begun with lies
beside its stages in `run.json`, so that it never goes on as another run, and no stage
that is done is lost or left behind by one before it.

Taught in: notebooks/08_staged_training.ipynb
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..config import FlamingoConfig
from ..scale.processes import first_alone
from .checkpoints import read_json, state_of, write_json
from .reports import hash_weights
from .storage import model_folder


def claim(out: str | Path, settings: Mapping, sizes: Mapping = {}) -> None:
    """Note settings of a run in its folder, or check that they are those noted.

    Two runs in one folder would share what only one of them made: its tokenizer, its
    encoder, its features.

    Args:
        settings: anything that JSON holds; those not noted yet are added.
        sizes: settings that may change on the way, which is told: by a UserWarning.

    Raises ValueError when the folder is that of a run with other settings, or its
    `run.json` is damaged.

    Taught in: notebooks/08_staged_training.ipynb
    """
    path, given = Path(out) / "run.json", as_noted(settings | sizes)
    with first_alone() as first:
        noted = read_json(path) if path.exists() else {}
        fault = difference(noted, {k: v for k, v in given.items() if k not in sizes})
        if first and fault is None and not given.keys() <= noted.keys():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, given | noted)
    changed = [k for k in sizes if fault is None and noted.get(k, given[k]) != given[k]]
    if first and changed:
        began, now = (
            ", ".join(f"{name} {of[name]}" for name in changed) for of in (noted, given)
        )
        warnings.warn(f"{out} began with {began}; it goes on with {now}.", stacklevel=2)
    if fault is not None:
        raise ValueError(f"{out} is the folder of a run {fault}")


def check_own(out: str | Path, settings: Mapping) -> None:
    """Check as `claim` does whose a folder is, and note nothing.

    What else may be refused is looked at between the two: a command that never began
    must not keep the corrected one out of the folder.

    Raises ValueError as `claim` does.

    Taught in: notebooks/08_staged_training.ipynb
    """
    path = Path(out) / "run.json"
    noted = read_json(path) if path.exists() else {}
    if fault := difference(noted, as_noted(settings)):
        raise ValueError(f"{out} is the folder of a run {fault}")


def as_noted(settings: Mapping) -> dict:
    """Settings as JSON gives them back: it knows no tuples."""
    return json.loads(json.dumps(settings))


def difference(noted: Mapping, given: Mapping) -> str | None:
    """The outermost setting in which two runs differ, of those that both have.

    An older folder leaves out what its config could not say yet: that is the default.
    """
    unsaid = flat({"config": as_noted(FlamingoConfig().to_dict())})
    shared = given.keys() & noted.keys()
    before, now = (flat({name: of[name] for name in shared}) for of in (noted, given))
    for name in sorted(before.keys() | now.keys(), key=lambda n: (n.count("."), n)):
        was = before.get(name, unsaid.get(name, "none"))
        asked = now.get(name, unsaid.get(name, "none"))
        if was != asked:
            return (
                f"whose {name} is {was!r}, and this run's is {asked!r}; give the same, "
                "or another folder."
            )
    return None


def origin(model: str | Path | None) -> str | None:
    """The name of a finished model with the beginning of its hash; None of None."""
    if model is None:
        return None
    folder = model_folder(model)
    return f"{folder.name} {hash_weights(folder).get('model.safetensors', '')[:12]}"


def flat(settings: Mapping, prefix: str = "") -> dict:
    """Settings within settings, under names with dots."""
    found = {}
    for name, value in settings.items():
        inner = isinstance(value, Mapping)
        found |= flat(value, f"{prefix}{name}.") if inner else {prefix + name: value}
    return found


def check_may_train(
    out: str | Path,
    stage: str,
    steps: int,
    resume: bool,
    later: Sequence[str] = (),
    before: Mapping[str, int] = {},
) -> None:
    """Check that to train a stage of a run costs nothing that is there.

    Args:
        steps: how many the stage takes.
        resume: whether it goes on from what its folder holds.
        later: stages that learn from what this one leaves.
        before: stages that it begins from, each with the steps it takes.

    Raises ValueError when the stage would begin anew over steps that were taken, when
    a later stage has already learnt from it, or from a stage that is half done; and
    FileNotFoundError from one that is not there.

    Taught in: notebooks/08_staged_training.ipynb
    """
    done = steps_taken(Path(out) / stage)
    if done and not resume:
        raise ValueError(
            f"{Path(out) / stage} holds {done} steps of stage {stage}. Go on from them "
            "with --resume (resume=True), or give another folder."
        )
    behind = [name for name in later if steps_taken(Path(out) / name)]
    if done < steps and behind:
        raise ValueError(
            f"stage {stage} of {out} has {done} of {steps} steps, and {behind[0]} has "
            "learnt from it as it is. Give another folder, or move "
            f"{Path(out) / behind[0]} away first."
        )
    if not done:  # later it is too late
        check_done(out, before)


def check_done(out: str | Path, stages: Mapping[str, int]) -> None:
    """Check that stages are done, each of so many steps: none goes on once it is used.

    One without a log is a finished model's, and done.

    Raises ValueError for one that stopped on its way, FileNotFoundError for none.
    """
    for stage, steps in stages.items():
        state = state_of(Path(out) / stage)
        done = state.get("step", 0)
        if done == 0:
            raise FileNotFoundError(f"{Path(out) / stage} is empty: run {stage} first.")
        if done < steps and state.get("log", True):
            raise ValueError(
                f"stage {stage} of {out} has {done} of {steps} steps, and could not go "
                f"on once another has learnt from it. First go on with --stage {stage} "
                f"--resume, or give --steps {done} for it to be done."
            )


def steps_taken(folder: Path) -> int:
    """Steps in the last whole checkpoint of a stage; 0 where there is none."""
    return state_of(folder).get("step", 0)


def check_adopts(
    out: str | Path, stages: Sequence[str], model: str | Path | None
) -> None:
    """Check that a finished model, if there is one, can stand in for stages of a run.

    Raises ValueError when the run has trained one of them itself.

    Taught in: notebooks/08_staged_training.ipynb
    """
    for stage in stages:
        if model is not None and state_of(Path(out) / stage).get("log"):
            raise ValueError(
                f"{out} holds a run that trained its own {stage} and cannot go on from "
                f"{model}; give another folder, or leave out --start-from."
            )
