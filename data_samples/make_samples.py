"""Render the sixteen sample clips, their manifest and their list of sources.

    python data_samples/make_samples.py

Every clip is a SoundWorld scene with a fixed seed, synthesised by this project and
given away under CC0-1.0. Vorbis writes a random stream number, so a new run changes
the sha256 of a file, never what it sounds like.
"""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import soundfile

from af_minimal.disk.manifests import Example, write_manifest
from af_minimal.soundworld import (
    CLASSES,
    HELD_OUT,
    captions,
    questions,
    render,
    sample_score,
)

FOLDER = Path(__file__).resolve().parent
SAMPLE_RATE = 16_000  # Hz
SOURCE = "synthesised by this project"
LICENCE = "CC0-1.0"

# the sounds of each scene, the difficulty of SoundWorld, the kind of question asked
SCENES = (
    (("dog bark",), "easy", "open"),
    (("church bell",), "medium", "classify"),
    (("rain",), "medium", "binary"),
    (("piano",), "medium", "open"),
    (("siren",), "hard", "tags"),
    (("footsteps",), "hard", "classify_options"),
    (("baby cry", "door knock"), "medium", "order"),
    (("owl hoot", "thunder"), "medium", "open"),
    (("car horn", "laughter"), "hard", "binary"),
    (("telephone", "cat meow"), "hard", "order"),
    (("drum beat", "applause"), "hard", "count"),
    (("rooster", "cow moo", "horse gallop"), "medium", "order"),
    (("helicopter", "scream", "person sneeze"), "hard", "count"),
    (("sea waves", "bird song", "whistling"), "hard", "tags"),
    (("wolf howl",), "medium", "classify"),  # held out: never heard in training
    (("gong",), "medium", "classify"),  # held out
)


def make_scene(number: int, labels: tuple[str, ...], difficulty: str):
    """A score with exactly these sounds, drawn from the seed `number`."""
    known = CLASSES | HELD_OUT
    classes = {label: known[label] for label in labels}
    rng = np.random.default_rng([2024, number])
    count = (len(labels), len(labels))
    return sample_score(rng, count, difficulty=difficulty, classes=classes)


def make_sample(number: int, labels: tuple[str, ...], difficulty: str, kind: str):
    """Write one clip and return its row of samples.json."""
    score = make_scene(number, labels, difficulty)
    asked = questions(score, np.random.default_rng([2025, number]))
    question = next((q for q in asked if q.kind == kind), asked[0])
    # in the order in which they are heard
    path = FOLDER / f"{number:02d}_{'_'.join(score.labels).replace(' ', '_')}.ogg"
    soundfile.write(path, render(score, SAMPLE_RATE), SAMPLE_RATE, subtype="VORBIS")
    return {
        "name": path.name,
        "caption": captions(score)[0],
        "question": question.prompt,
        "answer": question.output,
        "held_out": any(label in HELD_OUT for label in labels),
        "source": SOURCE,
        "licence": LICENCE,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "score": json.loads(score.to_json()),
    }


def main() -> None:
    """Replace all clips, samples.json and manifest.json."""
    for old in FOLDER.glob("*.ogg"):
        old.unlink()
    rows = [make_sample(i, *scene) for i, scene in enumerate(SCENES, start=1)]
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    (FOLDER / "samples.json").write_text(text, encoding="utf-8")
    os.chdir(FOLDER.parent)  # relative paths, so the manifest works on every machine
    prompt = "describe the sound in a sentence."
    examples = [
        Example(Path(FOLDER.name, row["name"]), prompt, row["caption"]) for row in rows
    ]
    write_manifest(
        FOLDER / "manifest.json",
        examples,
        data_root=".",
        flamingo_task="SoundWorld-AudioCaptioning",
        split="test",
    )
    for row in rows:
        print(f"{row['name']}: {row['caption']} {row['question']} {row['answer']}")


if __name__ == "__main__":
    main()
