"""Voices (being written)."""


def rain(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def sea_waves(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def wind(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def thunder(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def stream(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def water_drip(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def hail(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def fire_crackling(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def water_splash(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)
