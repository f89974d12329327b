"""Rule tables: what follows from a sound. Here and nowhere else is it laid down.

Each sound stands in one row of a table at most, so that no answer is a matter of taste.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from ...soundworld.catalogue import ANIMALS, MACHINES, MUSIC, NATURE, PEOPLE

PLACES = {  # where a recording was made that has two of these sounds
    "on a farm": ("rooster", "cow moo", "horse gallop", "duck quack"),
    "in a street": ("car horn", "car alarm", "truck beeper", "jackhammer", "ambulance"),
    "in a house": ("clock tick", "doorbell", "telephone", "snoring", "door knock"),
    "by the water": ("sea waves", "stream", "water splash", "frog croak"),
    "at a concert": ("violin", "trumpet fanfare", "applause", "harp", "drum roll"),
}
STATES = {  # of the only person who is heard
    "laughter": "amused",
    "scream": "frightened",
    "snoring": "asleep",
    "cough": "ill",
    "whistling": "cheerful",
}
RESPONSES = {  # what to do about a sound
    "telephone": "pick up the phone",
    "doorbell": "go and open",
    "ambulance": "let it pass",
    "baby cry": "comfort the child",
    "rain": "open an umbrella",
    "applause": "take a bow",
    "person sneeze": "offer a tissue",
}
SOURCES = {  # family -> what makes the sound
    ANIMALS: "an animal",
    NATURE: "nature",
    MACHINES: "a machine",
    PEOPLE: "a person",
    MUSIC: "an instrument",
}
