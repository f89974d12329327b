"""LongAudio in miniature: recordings of many windows, questions, a bench, two judges.

`composing` lays scenes end to end, `asking` asks in six ways, `solver` answers anew,
`facts` reads what an answer says, `bench` marks models by facts, and `judge` can ask a
language model to mark instead. `batching` puts sounds of like length together.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""
