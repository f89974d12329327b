"""Questions and label sets of AF1's training data, as the official prompts name them.

Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

TASK_QUESTIONS = {
    "EmotionClassification": "what is the emotion of this speech?",
    "SentimentClassification": "what is the sentiment of this speech?",
    "InstrClassification": "what is the instrument of this music?",
    "SourceClassification": "what is the source of this music?",
    "GenreClassification": "what is the genre of this music?",
    "QualityClassification": "what are the qualities of the music?",
}

FIXED_QUESTIONS = {
    "CochlScene-SceneClassification": "classify this sound.",
    "UrbanSound8K-EventClassification": "classify this sound.",
    "FSD50k-EventClassification": (
        "describe this sound in the order from specific to general."
    ),
    "mtg-jamendo-MusicTagging": (
        "what are the genres, instruments, and mood/theme of the music?"
    ),
}

OPTIONS = {  # the one label of an item is one of these
    "CochlScene-SceneClassification": (
        "bus cafe car crowdedindoor elevator kitchen park residentialarea restaurant "
        "restroom street subway subwaystation"
    ).split(),
    "NonSpeech7k-EventClassification": (
        "breath cough crying laugh screaming sneeze yawn"
    ).split(),
    "UrbanSound8K-EventClassification": [
        "air conditioner",
        "car horn",
        "children playing",
        "dog bark",
        "drilling",
        "engine idling",
        "gun shot",
        "jackhammer",
        "siren",
        "street music",
    ],
    "emov-db-EmotionClassification": "amused angry disgusted neutral sleepy".split(),
    "jl-corpus-EmotionClassification": (
        "angry anxious apologetic assertive concerned encouraging excited happy "
        "neutral sad"
    ).split(),
    "tess-EmotionClassification": [
        "angry",
        "disgusted",
        "fearful",
        "happy",
        "neutral",
        "pleasantly surprised",
        "sad",
    ],
    "OMGEmotion-EmotionClassification": (
        "angry disgusted fearful happy neutral sad surprised"
    ).split(),
    "CREMA-D-EmotionClassification": (
        "angry disgusted fearful happy neutral sad"
    ).split(),
    "MELD-EmotionClassification": (
        "angry disgusted fearful happy neutral sad surprised"
    ).split(),
    "MELD-SentimentClassification": "negative neutral positive".split(),
    "MSP-PODCAST-Publish-1.9-EmotionClassification": (
        "angry contempt disgusted fearful happy neutral sad surprised"
    ).split(),
    "ravdess-EmotionClassification": (
        "angry calm disgusted fearful happy neutral sad surprised"
    ).split(),
    "musdbhq-InstrClassification": "bass drums mixture other vocals".split(),
    "Medley-solos-DB-InstrClassification": [
        "clarinet",
        "distorted electric guitar",
        "female singer",
        "flute",
        "piano",
        "tenor saxophone",
        "trumpet",
        "violin",
    ],
    "GTZAN-GenreClassification": (
        "blues classical country disco hiphop jazz metal pop reggae rock"
    ).split(),
    "NSynth-InstrClassification": (
        "bass brass flute guitar keyboard mallet organ reed string synth_lead vocal"
    ).split(),
    "NSynth-SourceClassification": "acoustic electronic synthetic".split(),
}

ALL_LABELS = {  # an item has several of these; named in this order
    "chime-home-EventClassification": [
        "child speaking",
        "male speaking",
        "female speaking",
        "human activity",
        "television",
        "household appliances",
        "silence",
    ],
    "SONYC-UST-EventClassification": [
        "small sounding engine",
        "medium sounding engine",
        "large sounding engine",
        "rock drill",
        "jackhammer",
        "hoe ram",
        "pile driver",
        "non machinery impact",
        "chainsaw",
        "small medium rotating saw",
        "large rotating saw",
        "car horn",
        "car alarm",
        "siren",
        "reverse beeper",
        "stationary music",
        "mobile music",
        "ice cream truck",
        "person or small group talking",
        "person or small group shouting",
        "large crowd",
        "amplified speech",
        "dog barking whining",
    ],
}
