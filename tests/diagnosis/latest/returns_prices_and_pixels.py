"""Advantages of actions, blended pixels and the prices of options: threads in the trackers of CartPole_PPO, a player of
Super Mario, ElegantRL, a renderer of volumes, ByroRedux, FinancePy, blackscholes and finmath.
"""

import math

import numpy as np

from tests.diagnosis.mistakes import mistake

GAMMA, LAMBDA = 0.9, 0.8


@np.vectorize
def cdf(z):
    return 0.5 * math.erfc(-z / math.sqrt(2))


def pdf(z):
    return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)


@mistake("https://github.com/4kasha/CartPole_PPO/issues/1: the advantage of step t, which is zero still, where that "
         "of step t + 1 belongs",
         says=[("moved", "advantages[t]"), ("other array", "advantages[t]"), ("constant", "advantages[t]"),
               ("missing path", "advantages[t]"), ("missing term", "advantages[t]"), ("wrong path", "advantages[t]"),
               ("extra term", "trace"), ("extra term", "gae_lambda * trace")],
         rewards=(6,), values=(7,))
def advantages_that_look_at_themselves(rewards, values):
    gamma, gae_lambda, T = 0.9, 0.8, 6
    advantages = np.zeros(T + 1)
    for t in reversed(range(T)):
        td_error = rewards[t] + gamma * values[t + 1] - values[t]
        advantages[t] = td_error + gamma * gae_lambda * advantages[t]

    def backward(g):
        dr, dv, trace = np.zeros(T), np.zeros(T + 1), 0.0
        for t in range(T):
            trace = g[t] + gamma * gae_lambda * trace
            dr[t] = trace
            dv[t] -= trace
            dv[t + 1] += gamma * trace
        return dr, dv

    return advantages[:T], backward


@mistake("carried over from https://github.com/vietnh1009/Super-mario-bros-PPO-pytorch/issues/21: the sum of "
         "advantages is not reset where a game ends; here on the way back",
         says=[("missing factor", "trace"), ("missing factor", "alive"), ("wrong path", "alive[t] * gae"),
               ("missing path", "alive[t] * gae"), ("condition", "trace"), ("part", "rewards"),
               ("other array", "LAMBDA * trace")],
         rewards=(7,))
def advantages_that_go_back_through_the_end_of_a_game(rewards):
    alive = np.array([1.0, 1, 0, 1, 1, 1, 0])
    advantage = np.zeros(7)
    gae = 0.0
    for t in range(6, -1, -1):
        gae = rewards[t] + GAMMA * LAMBDA * alive[t] * gae
        advantage[t] = gae

    def backward(g):
        dr = np.zeros(7)
        trace = 0.0
        for t in range(7):
            trace = g[t] + GAMMA * LAMBDA * trace
            dr[t] = trace
        return dr

    return advantage, backward


@mistake("https://github.com/AI4Finance-Foundation/ElegantRL/issues/183: the mask multiplies the value of the state, "
         "and should not; in the value",
         says=[("extra factor", "mask[i] * (pre_advantage - value[i])"),
               ("order", "mask[i] * (pre_advantage - value[i])"), ("extra factor", "mask[i]"),
               ("wrong path", "pre_advantage - value[i]"), ("missing factor", "dvalue[i]"),
               ("missing factor", "mask"), ("other function", "mask[i] * (pre_advantage - value[i])"),
               ("order", "pre_advantage - value[i]")],
         reward=(6,), value=(6,))
def advantages_whose_mask_hides_the_value(reward, value):
    mask = GAMMA * np.array([1.0, 1, 0, 1, 1, 1])
    advantage = np.empty(6)
    pre_advantage = 0.0
    for i in range(5, -1, -1):
        advantage[i] = reward[i] + mask[i] * (pre_advantage - value[i])
        pre_advantage = value[i] + advantage[i] * LAMBDA

    def backward(g):
        dreward, dvalue = np.empty(6), np.empty(6)
        dpre = 0.0
        for i in range(6):
            da = g[i] + LAMBDA * dpre
            dreward[i] = da
            dvalue[i] = dpre - da
            dpre = mask[i] * da
        return dreward, dvalue

    return advantage, backward


@mistake("https://github.com/lebarba/WebGLVolumeRendering/pull/2: what a sample adds to the opacity is not scaled by "
         "what light is left",
         says=[("missing factor", "accumulated +="), ("one minus", "accumulated +="),
               ("missing term", "accumulated +="), ("other array", "accumulated +="),
               ("wrong path", "accumulated +="), ("other function", "accumulated +="),
               ("missing path", "accumulated +="), ("missing factor", "1 - accumulated")],
         alpha=lambda rng: rng.uniform(0.05, 0.3, 5), color=(5,))
def ray_whose_opacity_only_adds_up(alpha, color):
    accumulated, pixel = 0.0, 0.0
    for k in range(5):
        pixel += (1 - accumulated) * alpha[k] * color[k]
        accumulated += alpha[k]

    def backward(g):
        light = np.concatenate([[1.0], np.cumprod(1 - alpha)[:-1]])
        weights = light * alpha
        behind = np.cumsum((weights * color)[::-1])[::-1] - weights * color
        return g * (light * color - behind / (1 - alpha)), g * weights

    return np.array(pixel), backward


@mistake("https://github.com/matiaszanolli/ByroRedux/issues/1013: the scene is not multiplied by the transmittance; "
         "in the value",
         says=[("missing factor", "scene + scattered"), ("missing factor", "transmittance"),
               ("missing path", "scene + scattered"), ("missing path", "transmittance"),
               ("wrong path", "scene + scattered"), ("zero", "transmittance"), ("missing factor", "combined"),
               ("extra factor", "g * transmittance"), ("extra factor", "transmittance"), ("extra term", "g * scene"),
               ("extra term", "dtransmittance")],
         scene=(5, 3), transmittance=lambda rng: rng.uniform(0.2, 0.9, (5, 1)), scattered=(5, 3))
def fog_that_hides_nothing(scene, transmittance, scattered):
    combined = scene + scattered

    def backward(g):
        dtransmittance = np.sum(g * scene, axis=1, keepdims=True)
        return g * transmittance, dtransmittance, g

    return combined, backward


@mistake("https://github.com/domokane/FinancePy/pull/245: √t in the derivative of delta by the volatility; the "
         "thread's other mistake is left out here",
         says=[("extra factor", "np.sqrt(t)"), ("missing factor", "np.sqrt(t)"), ("extra factor", "vanna"),
               ("missing factor", "vanna"), ("wrong path", "v * np.sqrt(t)"), ("power", "np.sqrt(t) * pdf")],
         v=lambda rng: rng.uniform(0.2, 0.6, 7))
def vanna_with_the_root_of_the_time(v):
    s, k, t, r, q = 1.0, 1.2, 2.0, 0.03, 0.01
    d1 = (np.log(s / k) + (r - q + v * v / 2) * t) / (v * np.sqrt(t))
    d2 = d1 - v * np.sqrt(t)
    delta = np.exp(-q * t) * cdf(d1)

    def dv(g):
        vanna = -np.exp(-q * t) * np.sqrt(t) * pdf(d1) * d2 / v
        return g * vanna

    return delta, dv


@mistake("carried over from https://github.com/CarloLepelaars/blackscholes/pull/27: the density at d₁ in the delta "
         "of a cash-or-nothing option, which has d₂",
         says=[("other array", "pdf(d1)"), ("wrong path", "cdf(d2)"), ("argument", "pdf(d1)"),
               ("other function", "pdf(d1)"), ("missing factor", "pdf(d1)"), ("extra factor", "S * width"),
               ("missing factor", "S * width"), ("wrong path", "d2 =")],
         S=lambda rng: rng.uniform(0.6, 1.5, (5, 3)))
def cash_or_nothing_with_the_density_at_d1(S):
    K, T, r, sigma = 1.0, 0.8, 0.04, 0.35
    width = sigma * np.sqrt(T)
    d1 = (np.log(S / K) + (r + sigma ** 2 / 2) * T) / width
    d2 = d1 - width
    price = np.exp(-r * T) * cdf(d2)

    def dS(g):
        return g * np.exp(-r * T) * pdf(d1) / (S * width)

    return price, dS


@mistake("https://github.com/finmath/finmath-lib/pull/88: theta is the derivative by the time that is left, and not "
         "by the time: it must be multiplied by −1",
         says=[("wrong sign", "theta"), ("wrong path", "maturity - time"), ("wrong sign", "time"),
               ("wrong sign", "g * theta")],
         time=lambda rng: rng.uniform(0.1, 1.5, 7))
def call_that_gains_by_waiting(time):
    spot, strike, rate, sigma, maturity = 1.1, 1.0, 0.05, 0.3, 2.0
    left = maturity - time
    d1 = (np.log(spot / strike) + (rate + sigma ** 2 / 2) * left) / (sigma * np.sqrt(left))
    d2 = d1 - sigma * np.sqrt(left)
    price = spot * cdf(d1) - strike * np.exp(-rate * left) * cdf(d2)

    def backward(g):
        theta = spot * pdf(d1) * sigma / (2 * np.sqrt(left)) + rate * strike * np.exp(-rate * left) * cdf(d2)
        return g * theta

    return price, backward
