"""CompA and AF-CLAP: does an encoder know which sound comes first, and how to teach it.

`expressions` puts sounds together, `wordings` says them, `composing` makes scores,
`losses` teach, `benchmark` asks, `towers` and `training` are small enough for a
notebook.

Taught in: notebooks/14_af_clap_and_compa.ipynb
"""
