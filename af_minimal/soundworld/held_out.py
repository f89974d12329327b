"""Voices (being written)."""


def wolf_howl(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def cat_purr(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def woodpecker(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def geyser(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def bouncing_ball(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def camera_shutter(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def smoke_alarm(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def geiger_counter(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def slide_whistle(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)


def gong(rng, samples, attributes, sample_rate):
    return rng.standard_normal(samples)
