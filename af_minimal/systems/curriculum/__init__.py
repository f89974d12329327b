"""Audio Flamingo 2's curriculum: short sounds, then skills, then long recordings.

`stages` says what each stage hears, learns and trains, `asked` makes scenes with their
questions, `batches` packs them into rows of like length, `ears` lets an encoder train
inside the model, `recipe` makes `mini2` on disk, `small` does it in seconds, and `exam`
asks a finished model.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""
