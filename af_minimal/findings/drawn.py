"""What the toys were given: letters that change when a draw, a size or a rate does.

`numbers.json` keeps them beside the numbers. Few items of a draw are enough: they come
out of the same code and constants as all others. What the letters cannot see is how one
step of a training computes; who changes that measures with `--again`.
"""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, nn

from ..soundworld.episodes import Episodes
from ..stages import StageConfig
from ..systems.compa.benchmark import Instance
from ..systems.compa.towers import Towers, decibels
from ..systems.compa.training import Draw, Schedule, draw_order
from . import toy, toy_few_shot, toy_order, toy_stream
from .compa_towers import Setting, World
from .mini_drawn import levels
from .toy_stages import SKILLS, Worlds
from .toy_stream import Stream

WATCHED = 32  # batches of episodes: seldom is one of them drawn anew
FEW, BATCHES = 60, 8  # scenes of a stream, batches of several
PACKED = "input_ids", "labels", "position_ids"  # of such a batch
STEPS = 2  # of the towers


def rounded(numbers: Tensor, digits: int = 4) -> list:
    """Lists of numbers with so many digits, which all machines share; none is -0.0."""
    return (numbers.double().round(decimals=digits) + 0.0).tolist()


def sizes_of(model: nn.Module) -> list[tuple[int, ...]]:
    """The shape of each weight."""
    return [tuple(weight.shape) for weight in model.parameters()]


def rates(stage: StageConfig) -> tuple:
    """What a recipe says of the steps of the optimiser."""
    decay = stage.weight_decay, stage.clip_norm
    return (stage.lr, stage.warmup, stage.schedule, stage.gate_lr, *decay)


# Audio Flamingo's toys


def recipes_made_with(*recipes: toy_few_shot.Recipe) -> str:
    """The recipes and sizes; letters of sounds, first batches, weights and rates."""
    world = toy_few_shot.FewShotWorld(0)
    sounds = world.train_store, world.train_asked, world.known_asked
    sounds += world.unseen_store, world.unseen_asked
    drawn = [[rounded(heard.features[0]), heard.outputs[0]] for heard in sounds]
    for recipe in recipes:
        episodes = toy_few_shot.ToyEpisodes(world, recipe)
        drawn.append(taught(episodes, toy_few_shot.TOY, WATCHED))
    curve = rates(toy_few_shot.CURVE.stage(0))
    return f"{(*recipes, *toy_few_shot.SETTING)} {toy.digest([drawn, curve])}"


def taught(
    episodes: Episodes, sizes: toy.Toy, batches: int, words: Sequence[str] = ()
) -> list:
    """First batches of a training, the sizes of what learns, and how fast it does."""
    tokenizer = toy.toy_tokenizer(tuple(words))
    drawn = toy.batches_of(episodes, tokenizer, sizes, 0)
    told = [
        [batch[key].tolist() for key in ("input_ids", "labels", "places")]
        for step in range(batches)
        for batch in drawn.places(step)
    ]
    model = toy.toy_model(0, sizes, tokenizer)
    return [told, sizes_of(model), rates(sizes.stage(0))]


def order_made_with() -> str:
    """The sizes; letters of scenes, questions, first batches, weights and rates."""
    learnt, exam = (toy_order.OrderWorld(0, part, FEW) for part in (0, 1))
    words = [prompt for _, prompt in toy_order.QUESTIONS.values()]
    drawn = [rounded(learnt.features[0]), exam.answers]
    drawn += [taught(learnt, toy_order.TOY, 2, words), toy_order.QUESTIONS]
    return f"{toy_order.SETTING} {toy.digest(drawn)}"


# Audio Flamingo 2's toys


def runs_made_with(parts, *told) -> str:
    """What is `told`, first a `Toy`; letters of the scenes of `parts(seed, toy)`."""
    sizes = replace(told[0], scenes=FEW, examined=FEW)
    learnt, exam = parts(0, sizes)
    return f"{told} {streams_given({'toy': learnt}, [exam], sizes)}"


def worlds_made_with(*told) -> str:
    """What is `told`, first a `Toy`; letters of the scenes of three lengths."""
    sizes = replace(told[0], scenes=FEW, examined=FEW)
    worlds = Worlds(0, sizes)
    exams = [worlds.stream("short", "class", "kind", part=1)]
    exams += [worlds.stream(n, "caption", *SKILLS, part=1) for n in ("skills", "long")]
    heard = worlds.stream("short", "class", "kind")
    given = streams_given(worlds.text, [heard, *exams], sizes)
    return f"{told} {given}"


def streams_given(
    streams: dict[str, Stream], others: Sequence[Stream], sizes: toy_stream.Toy
) -> str:
    """Letters of what is read and heard, of weights and rates.

    Args:
        streams: what is learnt, in one blend.
        others: those of an exam; their scenes and questions count.
    """
    tokenizer = toy_stream.toy_tokenizer(streams)
    drawn = [
        [[q.prompt, q.output] for scene in stream.asked for q in scene.questions]
        + [rounded(heard) for heard in stream.heard[:2]]
        for stream in (*streams.values(), *others)
    ]
    for hear in (False, True):
        batches = toy_stream.batches_of(streams, tokenizer, sizes, 0, hear)
        first = [batch for step in range(BATCHES) for batch in batches(step)]
        drawn += [[batch[key].tolist() for key in PACKED] for batch in first]
    longest = max(len(h) for s in streams.values() for h in s.heard)
    model = toy_stream.toy_model(0, sizes, tokenizer, longest)
    return toy.digest([drawn, sizes_of(model), rates(sizes.stage("sft", 0))])


# CompA's towers


def towers_made_with(*told, draw: Draw = draw_order, losses=(), stages=(0,)) -> str:
    """What is `told`, first a `Setting`; letters of what towers hear and read."""
    setting: Setting = told[0]
    world = World(0, replace(setting, asked=2, triplets=1, clips=2))
    drawn = [
        heard_and_read(world, loss, draw, stage) for loss in losses for stage in stages
    ]
    drawn += [exam_of(asked) for asked in (world.order(), world.clips())]
    drawn += [exam_of(world.attribute()), sizes_of(world.towers())]
    schedule = Schedule(setting.steps, setting.batch)
    return f"{told} {toy.digest([drawn, repr(schedule)])}"


def heard_and_read(world: World, loss: str, draw: Draw, stage: int) -> list:
    """Levels and sentences of the first steps of a training."""
    towers, told = world.towers(), []

    def hear(power: Tensor) -> Tensor:
        told.append(rounded(decibels(power[:4]).mean((1, 2)), 2))
        return Towers.hear(towers, power)

    def read(texts: list[str]) -> Tensor:
        told.append(texts)
        return Towers.read(towers, texts)

    towers.hear, towers.read = hear, read
    world.teach(towers, loss, draw, STEPS / world.setting.steps, stage)
    return told


def exam_of(asked: Sequence[Instance]) -> list:
    """Sentences and levels of an exam."""
    return [(one.texts, levels(one.waves)) for one in asked]
