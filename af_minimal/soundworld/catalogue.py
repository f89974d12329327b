"""The sounds of SoundWorld: 58 classes to learn from, 10 held out for few-shot.

Each row: label, family, three wordings, continuous?, seconds, own attributes, voice.
"""

import numpy as np

from . import animals, hands, held_out, machines, music, nature, people
from .sound_class import SoundClass

ANIMALS = "animals"
NATURE = "weather, water and fire"
MACHINES = "machines and alarms"
PEOPLE = "people"
MUSIC = "music"
FAMILIES = (ANIMALS, NATURE, MACHINES, PEOPLE, MUSIC)

PITCH = {"pitch": ("low", "high")}
RATE = {"rate": ("slow", "fast")}
TONE = {"tone": ("dark", "bright")}
ROUGHNESS = {"roughness": ("smooth", "rough")}
DENSITY = {"density": ("sparse", "dense")}
SIZE = {"size": ("small", "large")}
LENGTH = {"length": ("short", "long")}
DEPTH = {"depth": ("shallow", "deep")}
STEADINESS = {"steadiness": ("steady", "wavering")}

# fmt: off
_TRAINED = (
    SoundClass("dog bark", ANIMALS, "a dog barks", "a barking dog",
               "the bark of a dog", False, (0.3, 0.6),
               PITCH | ROUGHNESS | LENGTH, animals.dog_bark),
    SoundClass("cat meow", ANIMALS, "a cat meows", "a meowing cat",
               "the meow of a cat", False, (0.6, 1.3),
               PITCH | LENGTH, animals.cat_meow),
    SoundClass("rooster", ANIMALS, "a rooster crows", "a crowing rooster",
               "the crow of a rooster", False, (1.2, 2.0),
               PITCH | ROUGHNESS | LENGTH, animals.rooster),
    SoundClass("cow moo", ANIMALS, "a cow moos", "a mooing cow",
               "the moo of a cow", False, (0.9, 1.6),
               PITCH | TONE | LENGTH, animals.cow_moo),
    SoundClass("bird song", ANIMALS, "a bird sings", "a singing bird",
               "the song of a bird", False, (0.9, 1.6),
               PITCH | RATE, animals.bird_song),
    SoundClass("cricket", ANIMALS, "a cricket chirps", "a chirping cricket",
               "the chirp of a cricket", True, (1.5, 4.0),
               PITCH | RATE, animals.cricket),
    SoundClass("frog croak", ANIMALS, "a frog croaks", "a croaking frog",
               "the croak of a frog", False, (0.3, 0.8),
               PITCH | RATE | LENGTH, animals.frog_croak),
    SoundClass("owl hoot", ANIMALS, "an owl hoots", "a hooting owl",
               "the hoot of an owl", False, (1.0, 1.6),
               PITCH | STEADINESS, animals.owl_hoot),
    SoundClass("raven caw", ANIMALS, "a raven caws", "a cawing raven",
               "the caw of a raven", False, (0.3, 0.6),
               PITCH | ROUGHNESS | LENGTH, animals.raven_caw),
    SoundClass("duck quack", ANIMALS, "a duck quacks", "a quacking duck",
               "the quack of a duck", False, (0.7, 1.3),
               PITCH | RATE, animals.duck_quack),
    SoundClass("bee buzz", ANIMALS, "a bee buzzes", "a buzzing bee",
               "the buzz of a bee", True, (1.5, 4.0),
               PITCH | STEADINESS, animals.bee_buzz),
    SoundClass("horse gallop", ANIMALS, "a horse gallops", "a galloping horse",
               "the gallop of a horse", True, (1.5, 4.0),
               RATE | TONE, animals.horse_gallop),
    SoundClass("rain", NATURE, "rain falls", "falling rain",
               "the patter of rain", True, (2.0, 5.0), DENSITY | TONE, nature.rain),
    SoundClass("sea waves", NATURE, "waves break on the shore", "breaking waves",
               "the wash of the sea", True, (2.5, 5.0), RATE | TONE, nature.sea_waves),
    SoundClass("wind", NATURE, "the wind blows", "a blowing wind",
               "a gust of wind", True, (2.0, 5.0), PITCH | RATE, nature.wind),
    SoundClass("thunder", NATURE, "thunder rolls", "rolling thunder",
               "a roll of thunder", False, (1.2, 2.4), TONE | LENGTH, nature.thunder),
    SoundClass("stream", NATURE, "a stream babbles", "a babbling stream",
               "the babble of a stream", True, (2.0, 5.0),
               PITCH | DENSITY, nature.stream),
    SoundClass("water drip", NATURE, "water drips", "dripping water",
               "the drip of water", True, (1.5, 4.0), PITCH | RATE, nature.water_drip),
    SoundClass("hail", NATURE, "hail rattles on a roof", "rattling hail",
               "the rattle of hail", True, (1.5, 4.0), DENSITY | TONE, nature.hail),
    SoundClass("fire crackling", NATURE, "a fire crackles", "a crackling fire",
               "the crackle of a fire", True, (2.0, 5.0),
               DENSITY | TONE, nature.fire_crackling),
    SoundClass("water splash", NATURE, "something splashes into water",
               "splashing water", "the splash of water", False, (0.6, 1.2),
               SIZE | LENGTH, nature.water_splash),
    SoundClass("helicopter", MACHINES, "a helicopter flies past", "a flying helicopter",
               "the rotor of a helicopter", True, (2.0, 5.0),
               RATE | TONE, machines.helicopter),
    SoundClass("chainsaw", MACHINES, "a chainsaw revs", "a revving chainsaw",
               "the snarl of a chainsaw", True, (1.5, 4.0),
               PITCH | RATE, machines.chainsaw),
    SoundClass("clock tick", MACHINES, "a clock ticks", "a ticking clock",
               "the tick of a clock", True, (1.5, 4.0),
               RATE | TONE, machines.clock_tick),
    SoundClass("siren", MACHINES, "a siren wails", "a wailing siren",
               "the wail of a siren", True, (1.8, 4.0),
               PITCH | RATE | TONE, machines.siren),
    SoundClass("ambulance", MACHINES, "an ambulance goes by", "a passing ambulance",
               "the two-tone horn of an ambulance", True, (1.5, 4.0),
               PITCH | RATE | TONE, machines.ambulance),
    SoundClass("car alarm", MACHINES, "a car alarm goes off", "a whooping car alarm",
               "the rising whoops of an alarm", True, (1.2, 3.0),
               PITCH | RATE | TONE, machines.car_alarm),
    SoundClass("toy laser", MACHINES, "a toy laser fires", "a firing toy laser",
               "the zap of a toy laser", True, (1.2, 3.0),
               PITCH | RATE | TONE, machines.toy_laser),
    SoundClass("telephone", MACHINES, "a telephone rings", "a ringing telephone",
               "the ring of a telephone", False, (0.7, 1.5),
               PITCH | TONE | LENGTH, machines.telephone),
    SoundClass("car horn", MACHINES, "a car honks", "a honking car",
               "the honk of a car", False, (0.4, 1.2),
               PITCH | TONE | LENGTH, machines.car_horn),
    SoundClass("jackhammer", MACHINES, "a jackhammer pounds", "a pounding jackhammer",
               "the pounding of a jackhammer", True, (1.5, 4.0),
               RATE | TONE, machines.jackhammer),
    SoundClass("steam engine", MACHINES, "a steam engine chuffs",
               "a chuffing steam engine", "the chuff of a steam engine",
               True, (1.5, 4.0), RATE | TONE, machines.steam_engine),
    SoundClass("doorbell", MACHINES, "a doorbell rings", "a ringing doorbell",
               "the ding-dong of a doorbell", False, (1.0, 1.7),
               PITCH | TONE, machines.doorbell),
    SoundClass("truck beeper", MACHINES, "a truck reverses", "a reversing truck",
               "the beep of a reversing truck", True, (1.5, 4.0),
               PITCH | RATE, machines.truck_beeper),
    SoundClass("engine start", MACHINES, "an engine starts", "a starting engine",
               "the start of an engine", False, (1.2, 2.0),
               PITCH | RATE, machines.engine_start),
    SoundClass("baby cry", PEOPLE, "a baby cries", "a crying baby",
               "the cry of a baby", False, (0.8, 1.5),
               PITCH | ROUGHNESS | LENGTH, people.baby_cry),
    SoundClass("person sneeze", PEOPLE, "a person sneezes", "a sneezing person",
               "the sneeze of a person", False, (0.6, 1.1),
               PITCH | LENGTH, people.person_sneeze),
    SoundClass("laughter", PEOPLE, "a person laughs", "a laughing person",
               "the laugh of a person", False, (0.9, 1.6),
               PITCH | RATE, people.laughter),
    SoundClass("cough", PEOPLE, "a person coughs", "a coughing person",
               "the cough of a person", False, (0.5, 0.9),
               PITCH | ROUGHNESS, people.cough),
    SoundClass("applause", PEOPLE, "people applaud", "an applauding crowd",
               "the applause of a crowd", True, (2.0, 5.0),
               DENSITY | TONE, hands.applause),
    SoundClass("footsteps", PEOPLE, "a person walks", "a walking person",
               "the steps of a walker", True, (1.5, 4.0),
               RATE | TONE, hands.footsteps),
    SoundClass("whistling", PEOPLE, "a person whistles", "a whistling person",
               "the whistle of a person", False, (0.8, 1.5),
               PITCH | LENGTH, people.whistling),
    SoundClass("snoring", PEOPLE, "a person snores", "a snoring person",
               "the snore of a sleeper", False, (1.2, 2.0),
               PITCH | RATE, people.snoring),
    SoundClass("scream", PEOPLE, "a person screams", "a screaming person",
               "the scream of a person", False, (0.7, 1.4),
               PITCH | ROUGHNESS | LENGTH, people.scream),
    SoundClass("door knock", PEOPLE, "someone knocks on a door", "a knock at the door",
               "the knock on a door", False, (0.6, 1.2),
               PITCH | RATE, hands.door_knock),
    SoundClass("typing", PEOPLE, "someone types on a keyboard", "a typing person",
               "the clatter of a keyboard", True, (1.5, 4.0),
               RATE | TONE, hands.typing),
    SoundClass("talking", PEOPLE, "a person talks", "a talking person",
               "the voice of a speaker", True, (1.5, 4.0),
               PITCH | RATE, people.talking),
    SoundClass("piano", MUSIC, "a piano plays", "a playing piano",
               "the melody of a piano", False, (1.0, 2.0), PITCH | RATE, music.piano),
    SoundClass("guitar strum", MUSIC, "a guitar is strummed", "a strummed guitar",
               "the strum of a guitar", False, (0.8, 1.6),
               PITCH | RATE, music.guitar_strum),
    SoundClass("drum roll", MUSIC, "a drum rolls", "a drum roll",
               "the roll of a snare", False, (1.0, 1.8),
               RATE | TONE | LENGTH, music.drum_roll),
    SoundClass("drum beat", MUSIC, "a drummer plays a beat", "a drumming beat",
               "the beat of a drum kit", True, (1.6, 4.0),
               RATE | TONE, music.drum_beat),
    SoundClass("violin", MUSIC, "a violin plays", "a bowed violin",
               "the bowing of a violin", False, (0.9, 1.8), PITCH | TONE, music.violin),
    SoundClass("flute trill", MUSIC, "a flute trills", "a trilling flute",
               "the trill of a flute", False, (0.8, 1.6),
               PITCH | RATE | LENGTH, music.flute_trill),
    SoundClass("trumpet fanfare", MUSIC, "a trumpet plays a fanfare",
               "a blaring trumpet", "the fanfare of a trumpet", False, (1.0, 1.7),
               PITCH | TONE, music.trumpet_fanfare),
    SoundClass("church bell", MUSIC, "a church bell tolls", "a tolling church bell",
               "the toll of a church bell", False, (1.2, 2.4),
               PITCH | LENGTH, music.church_bell),
    SoundClass("harp", MUSIC, "a harp is swept", "a swept harp",
               "the rising sweep of a harp", False, (0.8, 1.6),
               PITCH | RATE, music.harp),
    SoundClass("xylophone", MUSIC, "a xylophone plays", "a playing xylophone",
               "the falling run of a xylophone", False, (0.7, 1.4),
               PITCH | RATE, music.xylophone),
    SoundClass("maracas", MUSIC, "maracas are shaken", "shaken maracas",
               "the shake of maracas", True, (1.5, 4.0), RATE | TONE, music.maracas),
)

_HELD_OUT = (
    SoundClass("wolf howl", ANIMALS, "a wolf howls", "a howling wolf",
               "the howl of a wolf", False, (1.3, 2.2),
               PITCH | LENGTH, held_out.wolf_howl),
    SoundClass("cat purr", ANIMALS, "a cat purrs", "a purring cat",
               "the purr of a cat", True, (1.8, 4.0), PITCH | RATE, held_out.cat_purr),
    SoundClass("woodpecker", ANIMALS, "a woodpecker drums", "a drumming woodpecker",
               "the drumming of a woodpecker", False, (0.6, 1.2),
               PITCH | RATE, held_out.woodpecker),
    SoundClass("geyser", NATURE, "a geyser erupts", "an erupting geyser",
               "the eruption of a geyser", False, (1.2, 2.2),
               TONE | LENGTH, held_out.geyser),
    SoundClass("bouncing ball", PEOPLE, "a ball bounces", "a bouncing ball",
               "the bounce of a ball", False, (1.2, 2.0),
               PITCH | RATE, held_out.bouncing_ball),
    SoundClass("camera shutter", MACHINES, "a camera clicks", "a clicking camera",
               "the click of a camera", False, (0.3, 0.6),
               PITCH | LENGTH, held_out.camera_shutter),
    SoundClass("smoke alarm", MACHINES, "a smoke alarm sounds",
               "a sounding smoke alarm", "the triple beep of a smoke alarm",
               False, (1.0, 1.6), PITCH | TONE, held_out.smoke_alarm),
    SoundClass("geiger counter", MACHINES, "a geiger counter clicks",
               "a clicking geiger counter", "the clicks of a geiger counter",
               True, (1.5, 4.0), DENSITY | TONE, held_out.geiger_counter),
    SoundClass("slide whistle", MUSIC, "a slide whistle swoops",
               "a swooping slide whistle", "the swoop of a slide whistle",
               False, (0.7, 1.4), PITCH | LENGTH, held_out.slide_whistle),
    SoundClass("gong", MUSIC, "a gong is struck", "a struck gong",
               "the bloom of a gong", False, (1.4, 2.4), PITCH | LENGTH, held_out.gong),
)
# fmt: on

CLASSES: dict[str, SoundClass] = {c.label: c for c in _TRAINED}
HELD_OUT: dict[str, SoundClass] = {c.label: c for c in _HELD_OUT}


def nonsense_name(rng: np.random.Generator) -> str:
    """A word such as "zivofu" that no class, phrase or attribute contains.

    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    syllables = [
        rng.choice(list("vzjkfg")) + rng.choice(list("aeiou")) for _ in range(3)
    ]
    return "".join(syllables)
