"""Voices (being written)."""


def piano(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def guitar_strum(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def drum_roll(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def drum_beat(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def violin(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def flute_trill(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def trumpet_fanfare(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def church_bell(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def harp(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def xylophone(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def maracas(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)
