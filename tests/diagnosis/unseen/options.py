"""The prices of options: threads in the trackers of VanillaOptionPricers, quantrs, a book about finance in Python, and
Q Tips.
"""

import math

import numpy as np

from tests.diagnosis.mistakes import mistake


@np.vectorize
def cdf(z):
    return 0.5 * math.erfc(-z / math.sqrt(2))


def pdf(z):
    return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)


def times(rng):
    return rng.uniform(0.3, 2, 7)


@mistake("https://github.com/ArturSepp/VanillaOptionPricers/pull/1: σ/(0.5 √T) where σ/(2 √T) belongs",
         says=[("constant", "0.5 * np.sqrt(ttm)"), ("extra factor", "0.5 * np.sqrt(ttm)"),
               ("missing factor", "0.5 * np.sqrt(ttm)"), ("extra factor", "4"), ("missing factor", "1/4"),
               ("power", "0.5 * np.sqrt(ttm)"), ("missing factor", "0.25")],
         ttm=times)
def call_that_decays_four_times_too_fast(ttm):
    forward, strike, vol = 1.1, 0.9, 0.6
    sdev = vol * np.sqrt(ttm)
    d1 = np.log(forward / strike) / sdev + 0.5 * sdev
    price = forward * cdf(d1) - strike * cdf(d1 - sdev)
    return price, lambda g: g * forward * pdf(d1) * vol / (0.5 * np.sqrt(ttm))


@mistake("https://github.com/carlobortolan/quantrs/pull/128: the slope of Δ has no e^(−qT), and Δ has one",
         says=[("missing factor", "gamma"), ("missing factor", "pdf"), ("missing factor", "S * sigma"),
               ("missing factor", "exp(-q"), ("extra factor", "gamma"), ("wrong path", "np.exp(-q * T)")],
         S=lambda rng: rng.uniform(0.6, 1.5, (5, 3)))
def delta_whose_slope_forgets_the_dividend(S):
    K, T, r, sigma, q = 1.0, 1.5, 0.05, 0.4, 0.3

    def d1():
        return (np.log(S / K) + (r - q + sigma ** 2 / 2) * T) / (sigma * np.sqrt(T))

    delta = np.exp(-q * T) * cdf(d1())

    def dS(g):
        gamma = pdf(d1()) / (S * sigma * np.sqrt(T))
        return g * gamma

    return delta, dS


@mistake("https://github.com/carlobortolan/quantrs/pull/128: −N(d₁) for N(−d₁), in the carry of an asset-or-nothing "
         "put",
         says=[("wrong sign", "-cdf(d1)"), ("one minus", "-cdf(d1)"), ("other array", "-cdf(d1)"),
               ("missing term", "carry"), ("other function", "-cdf(d1)"), ("missing term", "-cdf(d1)"),
               ("wrong path", "np.exp(-q * T)"), ("other array", "carry")],
         T=times)
def put_with_the_minus_outside_of_its_brackets(T):
    S, K, r, sigma, q = 1.2, 1.0, 0.05, 0.4, 0.3
    b = (r - q + sigma ** 2 / 2) / sigma
    d1 = np.log(S / K) / (sigma * np.sqrt(T)) + b * np.sqrt(T)
    put = S * np.exp(-q * T) * cdf(-d1)

    def dT(g):
        slope = -np.log(S / K) / (2 * sigma * T ** 1.5) + b / (2 * np.sqrt(T))
        carry = -q * -cdf(d1)
        return g * S * np.exp(-q * T) * (carry - pdf(d1) * slope)

    return put, dT


@mistake("https://github.com/yhilpisch/py4fi/issues/3: vega has N(d₁), the distribution function, where the density "
         "belongs",
         says=[("other function", "vega"), ("other function", "cdf"), ("other array", "vega"), ("other array", "cdf"),
               ("missing factor", "vega")],
         sigma=lambda rng: rng.uniform(0.2, 0.9, (5, 3)))
def call_whose_vega_is_a_probability(sigma):
    S0, K, T, r = 1.0, 1.1, 1.7, 0.05
    d1 = (np.log(S0 / K) + (r + 0.5 * sigma ** 2) * T) / (sigma * np.sqrt(T))
    d2 = d1 - sigma * np.sqrt(T)
    value = S0 * cdf(d1) - K * np.exp(-r * T) * cdf(d2)

    def backward(g):
        vega = S0 * cdf(d1) * np.sqrt(T)
        return g * vega

    return value, backward


@mistake("carried over from https://github.com/psaris/qtips/issues/2: a small s for a large S: the volatility stands "
         "where the price of the stock belongs",
         says=[("other array", "s * srt"), ("extra factor", "s * srt"), ("missing factor", "s * srt"),
               ("other array", "dS"), ("wrong path", "S / X")],
         S=lambda rng: rng.uniform(0.6, 1.5, 7))
def moneyness_divided_by_a_small_s(S):
    X, s, t, r = 1.1, 0.45, 1.3, 0.03
    srt = s * np.sqrt(t)
    d1 = (np.log(S / X) + (r + s * s / 2) * t) / srt
    n = np.exp(-d1 ** 2 / 2)
    def dS(g): return -g * n * d1 / (s * srt)
    return n, dS
