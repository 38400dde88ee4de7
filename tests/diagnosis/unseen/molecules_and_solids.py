"""Energies and forces of molecules, springs and rubber, and the speed of a reaction: threads in the trackers of RDKit,
IRC, NNPOps, MuJoCo, Bullet, MFront's gallery, pyswarming and MOOSE.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def stretches(rng):
    return rng.uniform(0.7, 1.5, (5, 3))


def deformation(rng):
    return np.eye(3) + 0.15 * rng.standard_normal((3, 3))


@mistake("https://github.com/rdkit/rdkit/issues/8715: the last term of the torsion's slope has the force constant of "
         "the one before it; here the third of three, and not the sixth of six",
         says=[("other array", "3 * V[1]"), ("moved", "V[1]"), ("constant", "3 * V[1]"), ("other array", "np.sin(3 *"),
               ("constant", "np.sin(3 *"), ("moved", "np.sin(3 *")],
         phi=(7,), V=(3,))
def torsion_whose_last_term_borrows_a_force_constant(phi, V):
    E = V[0] * (1 + np.cos(phi)) + V[1] * (1 - np.cos(2 * phi)) + V[2] * (1 + np.cos(3 * phi))
    def dphi(g): return g * (-V[0] * np.sin(phi) + 2 * V[1] * np.sin(2 * phi) - 3 * V[1] * np.sin(3 * phi))
    def dV(g): return np.array([g @ (1 + np.cos(phi)), g @ (1 - np.cos(2 * phi)), g @ (1 + np.cos(3 * phi))])
    return E, dphi, dV


@mistake("https://github.com/rdkit/rdkit/issues/9248: the even powers of the cosine stay even in the slope; here in "
         "the fourth term",
         says=[("missing factor", "32 * c2 - 16"), ("power", "32 * c2"), ("missing factor", "cosPhi"),
               ("missing factor", "dE_dPhi"), ("wrong path", "c2 ="), ("other array", "32 * c2"),
               ("wrong path", "cosPhi"), ("missing path", "cosPhi")],
         phi=(7,))
def torsion_whose_powers_of_the_cosine_stay_even(phi):
    cosPhi, sinPhi = np.cos(phi), np.sin(phi)
    c2 = cosPhi ** 2
    cos4Phi = 8 * c2 ** 2 - 8 * c2 + 1

    def backward(g):
        dE_dPhi = -0.7 * sinPhi * (32 * c2 - 16)
        return g * dE_dPhi

    return 0.7 * (1 + cos4Phi), backward


@mistake("carried over from https://github.com/RMeli/irc/pull/37: the atom in the middle gets minus the sum of what "
         "the two others get; here without the minus",
         says=[("wrong sign", "st_a + st_c"), ("wrong sign", "db")],
         a=(5, 3), b=(5, 3), c=(5, 3))
def bond_angle_that_pulls_its_middle_atom_the_other_way(a, b, c):
    u, v = a - b, c - b
    lu, lv = np.linalg.norm(u, axis=1, keepdims=True), np.linalg.norm(v, axis=1, keepdims=True)
    u, v = u / lu, v / lv
    cosine = np.sum(u * v, axis=1, keepdims=True)
    angle = np.arccos(cosine[:, 0])

    def backward(g):
        scale = -g[:, None] / np.sqrt(1 - cosine ** 2)
        st_a = scale * (v - cosine * u) / lu
        st_c = scale * (u - cosine * v) / lv
        return st_a, st_a + st_c, st_c

    return angle, backward


@mistake("carried over from https://github.com/openmm/NNPOps/issues/130: is there a minus missing in dEdr? Here it "
         "is, for a charge that is screened by an exponential",
         says=[("wrong sign", "dEdr"), ("wrong sign", "1 / r + kappa"), ("wrong sign", "dx"),
               ("wrong sign", "prefactor * np.exp")],
         x=lambda rng: rng.standard_normal((5, 3)) + 1)
def screened_charge_that_is_pushed_inwards(x):
    kappa, charge = 0.8, 1.7
    r = np.sqrt((x ** 2).sum(axis=1))
    prefactor = charge / r
    energy = prefactor * np.exp(-kappa * r)

    def dx(g):
        dEdr = prefactor * np.exp(-kappa * r) * (1 / r + kappa)
        return (g * dEdr / r)[:, None] * x

    return energy, dx


@mistake("https://github.com/google-deepmind/mujoco/pull/3451: the stiffness has the first of two terms only; that "
         "with the tension is missing",
         says=[("missing term", "K_stretch"), ("missing path", "edge"), ("missing term", "edge"),
               ("missing term", "elongation"), ("missing term", "dp"), ("missing path", "force ="),
               ("missing path", "elongation * edge")],
         p=(5, 3), q=(5, 3))
def spring_force_without_its_geometric_stiffness(p, q):
    k, L0 = 1.7, 0.6
    edge = p - q
    elongation = np.sum(edge * edge, axis=1, keepdims=True) - L0 ** 2
    force = -k * elongation * edge

    def backward(g):
        K_stretch = -2 * k * edge * np.sum(edge * g, axis=1, keepdims=True)
        return K_stretch, -K_stretch

    return force, backward


@mistake("carried over from https://github.com/bulletphysics/bullet3/issues/3825: the stress does not belong to the "
         "energy: the logarithm of J has no term in it",
         says=[("missing term", "c2"), ("missing path", "log"), ("missing term", "lam * (J - 1"),
               ("missing term", "cofactor"), ("missing term", "dF"), ("missing term", "log"),
               ("extra term", "np.log(J)")],
         F=deformation)
def rubber_whose_stress_does_not_know_the_logarithm(F):
    mu, lam = 0.9, 1.4
    J = np.linalg.det(F)
    density = mu / 2 * (np.sum(F * F) - 3) - mu * np.log(J) + lam / 2 * (J - 1) ** 2
    cofactor = J * np.linalg.inv(F).T

    def dF(g):
        c1 = mu
        c2 = lam * (J - 1)
        return g * (F * c1 + cofactor * c2)

    return np.array(density), dF


@mistake("https://github.com/thelfer/MFrontGallery/issues/49: the energy has 2 C₂₀, as its derivative has, in front "
         "of the square",
         says=[("extra factor", "2 * C20 * (I1 - 3) ** 2"), ("constant", "2 * C20 * (I1 - 3) ** 2"),
               ("missing factor", "2 * C20"), ("constant", "2 * C20"), ("extra factor", "2 * C20"),
               ("wrong path", "(I1 - 3) ** 2")],
         stretch=stretches)
def signorini_energy_with_the_two_of_its_derivative(stretch):
    C10, C20 = 0.6, 0.35
    I1 = np.sum(stretch ** 2, axis=1)
    energy = C10 * (I1 - 3) + 2 * C20 * (I1 - 3) ** 2

    def dstretch(g):
        dPsi_dI1 = C10 + 2 * C20 * (I1 - 3)
        return (g * dPsi_dI1)[:, None] * 2 * stretch

    return energy, dstretch


@mistake("https://github.com/mrsonandrade/pyswarming/issues/10: what the reader of a formula missed: the 1/r in "
         "front",
         says=[("missing factor", "12 * eps"), ("wrong path", "sigma / r"), ("power", "12 * eps"),
               ("extra factor", "12 * eps"), ("other array", "12 * eps")],
         r=lambda rng: rng.uniform(0.8, 1.6, (5, 3)))
def lennard_jones_without_the_one_over_r(r):
    eps, sigma = 0.7, 1.1
    s6 = (sigma / r) ** 6
    return eps * (s6 ** 2 - 2 * s6), lambda g: -g * 12 * eps * (s6 ** 2 - s6)


@mistake("https://github.com/idaholab/moose/issues/9773: with a sign too many, the rate falls with the temperature; "
         "in the derivative, it rises",
         says=[("wrong sign", "1 / T0 - 1 / T"), ("wrong sign", "-Ea *"), ("wrong sign", "dlogk"), ("wrong sign", "dT"),
               ("order", "1 / T0 - 1 / T"), ("wrong sign", "exponent"), ("wrong path", "1 / T0")],
         T=lambda rng: rng.uniform(0.5, 2, 7))
def reaction_that_slows_down_when_it_is_heated(T):
    Ea, T0, k0 = 1.3, 0.9, 2.1
    exponent = -Ea * (1 / T0 - 1 / T)
    k = k0 * np.exp(exponent)

    def dT(g):
        dlogk = Ea / T ** 2
        return g * k * dlogk

    return k, dT
