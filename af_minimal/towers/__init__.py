"""The networks behind `AudioEncoder`: log-mel pictures in, one vector or several out.

`steps` of the config says how many: 1 is a whole window in one vector (AF1), more are
dense features (AF2), which stand in the order of the sound.

Taught in: notebooks/02_clap_from_scratch.ipynb and 13_af2.ipynb
"""

from .conv import ConvTower
from .htsat import HTSATTower
from .pooling import masked_mean
from .toy import ToyTower

TOWERS = {"cnn": ConvTower, "htsat": HTSATTower, "toy": ToyTower}

__all__ = ["TOWERS", "ConvTower", "HTSATTower", "ToyTower", "masked_mean"]
