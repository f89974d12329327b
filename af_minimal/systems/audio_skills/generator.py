"""AudioSkills: scenes with one question each, seven skills, every answer as often.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from ...data import Example, write_manifest
from ...soundworld.corpus import RATE
from ...soundworld.render import render
from ...soundworld.score import Score
from . import attributes, context, temporal
from .asking import Question
from .scenes import LONGEST_S, skill_score
from .solver import verify

Ask = Callable[[Score, np.random.Generator], list[Question]]
SKILLS: dict[str, tuple[Ask, ...]] = {
    "temporal": (
        temporal.order,
        temporal.change,
        temporal.referring,
        temporal.grounding,
    ),
    "attribute": (
        attributes.value,
        attributes.which,
        attributes.which_time,
        attributes.echo,
        attributes.longest,
    ),
    "counting": (temporal.counting,),
    "contextual sound": (context.between, context.presence),
    "contextual speech": (context.people,),
    "information": (context.information,),
    "reasoning": (context.reasoning,),
}
PATIENCE = 10_000  # scenes in a row that give nothing new


@dataclass(frozen=True)
class Item:
    """A scene and one question about it.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    score: Score
    question: Question


@dataclass
class Balance:
    """Lets an answer pass only while no other answer to the same is rarer."""

    taken: dict = field(default_factory=lambda: defaultdict(Counter))

    def passes(self, question: Question) -> bool:
        """Whether to take the question; it is then counted as taken."""
        options = frozenset(question.options)
        counts = self.taken[question.kind, options]
        right = question.options[question.answer]
        if counts[right] > min(counts[said] for said in options):
            return False
        counts[right] += 1
        return True


def skill_questions(
    count: int,
    seed: int = 0,
    skills: Sequence[str] = tuple(SKILLS),
    longest_s: float = LONGEST_S,
    difficulty: str = "hard",
    balance: Balance | None = None,
) -> list[Item]:
    """So many questions, of each skill equally many, of each kind about as many.

    Each has a scene of its own. Where options recur, as numbers do, every one of them
    is right equally often, unless you bring a `balance` that lets others pass. The
    solver answers all of them anew.

    Raises Disagreement when the solver finds otherwise, ValueError for a skill that
    does not exist.
    Official: AudioSkills asks language models instead, and has people check a part
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    unknown = sorted(set(skills) - set(SKILLS))
    if unknown or not skills:
        raise ValueError(f"skills {unknown} are unknown; choose from {list(SKILLS)}.")
    rng, items = np.random.default_rng([seed, 31]), []
    balance = Balance() if balance is None else balance
    kinds: dict[str, Counter] = {skill: Counter() for skill in skills}
    for number in range(count):
        skill = skills[number % len(skills)]
        item = draw_item(rng, skill, balance, kinds[skill], longest_s, difficulty)
        kinds[skill][item.question.kind] += 1
        items.append(item)
    return items


def draw_item(
    rng, skill: str, balance: Balance, kinds: Counter, longest_s, difficulty
) -> Item:
    """Draw scenes until one answers a question of the skill that is still wanted.

    Raises RuntimeError after many scenes without one.
    """
    for _ in range(PATIENCE):
        score = skill_score(rng, longest_s=longest_s, difficulty=difficulty)
        asked = [q for ask in SKILLS[skill] for q in ask(score, rng)]
        for question in sorted(asked, key=lambda q: kinds[q.kind]):
            verify(score, question)
            if balance.passes(question):
                return Item(score, question)
    raise RuntimeError(f"{PATIENCE} scenes gave no question of the skill {skill}.")


def write_items(
    folder: str | Path, items: Sequence, split: str = "train", name: str = "AudioSkills"
) -> list[Example]:
    """Render items as flac files and list them in official AF2 manifests.

    There is one for each skill, `<folder>/AudioSkills-Counting/train.json`; the sounds
    lie in `<folder>/audio/<split>`. Items of LongAudio will do as well. Returns the
    examples.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    folder, by_skill = Path(folder), defaultdict(list)
    sounds = folder / "audio" / split
    sounds.mkdir(parents=True, exist_ok=True)
    for number, item in enumerate(items):
        path, asked = sounds / f"{name}_{number:06d}.flac", item.question
        soundfile.write(path, render(item.score, RATE), RATE)
        task = f"{name}-{asked.skill.title().replace(' ', '')}"
        example = Example(str(path), asked.prompt, asked.output, task)
        by_skill[task].append((example, item.score.duration_s))
    for task, rows in by_skill.items():
        (folder / task).mkdir(exist_ok=True)
        examples, durations = zip(*rows, strict=True)
        path = folder / task / f"{split}.json"
        write_manifest(path, examples, folder, task, split, durations)
    return [example for rows in by_skill.values() for example, _ in rows]
