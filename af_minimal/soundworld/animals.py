"""Voices (being written)."""


def dog_bark(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def cat_meow(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def rooster(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def cow_moo(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def bird_song(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def cricket(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def frog_croak(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def owl_hoot(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def raven_caw(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def duck_quack(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def bee_buzz(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def horse_gallop(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)
