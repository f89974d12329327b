"""Voices (being written)."""


def baby_cry(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def person_sneeze(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def laughter(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def cough(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def applause(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def footsteps(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def whistling(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def snoring(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def scream(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def door_knock(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def typing(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def talking(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)
