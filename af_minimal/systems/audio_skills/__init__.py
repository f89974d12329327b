"""AudioSkills in miniature: questions of seven skills whose answers are certain.

`scenes` draws scores, `temporal`, `attributes` and `context` ask about them, `rules`
says what follows from what, `solver` answers anew from the text of a question, and
`generator` keeps only what both agree on. `blind` is what can be had without hearing.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""
