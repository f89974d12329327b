"""Voices (being written)."""


def helicopter(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def chainsaw(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def clock_tick(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def siren(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def ambulance(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def car_alarm(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def toy_laser(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def telephone(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def car_horn(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def jackhammer(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def steam_engine(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def doorbell(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def truck_beeper(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def engine_start(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)
