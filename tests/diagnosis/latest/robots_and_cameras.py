"""Robots that turn and move, and lenses: threads in the trackers of DQ Robotics, SymPy, MoveIt, ba_demo_ceres,
VINS-Fusion, PyTorch Kinematics, EXOTica, gsplat, GTSAM and Momentum.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def skew(v):
    return np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])


def rotation(axis, angle):
    K = skew(np.asarray(axis))
    return np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K


@mistake("https://github.com/dqrobotics/matlab/issues/62: x c − y s for −x c − y s, in one element of the Jacobian",
         says=[("wrong sign", "J[6]"), ("wrong sign", "x * c - y * s"), ("wrong path", "y * c - x * s"),
               ("one minus", "x * c - y * s")],
         q=(3,))
def mobile_base_with_a_wrong_sign_in_its_pose_jacobian(q):
    x, y, phi = q
    c, s = np.cos(phi / 2), np.sin(phi / 2)
    pose = np.array([c, 0, 0, s, 0, 0.5 * (x * c + y * s), 0.5 * (y * c - x * s), 0])

    def backward(g):
        J = np.zeros((8, 3))
        J[0, 2] = -0.5 * s
        J[3, 2] = 0.5 * c
        J[5] = 0.5 * c, 0.5 * s, 0.25 * (y * c - x * s)
        J[6] = -0.5 * s, 0.5 * c, 0.25 * (x * c - y * s)
        return J.T @ g

    return pose, backward


@mistake("https://github.com/sympy/sympy/pull/15349: a sign in the matrix of a quaternion; its derivatives know "
         "better",
         says=[("wrong sign", "c * d + b * a"), ("wrong sign", "R[1]"), ("wrong path", "c * d + b * a"),
               ("wrong path", "R[1]"), ("other function", "c * d + b * a")],
         q=(4,), v=(3,))
def quaternion_matrix_with_a_plus_for_a_minus(q, v):
    a, b, c, d = q
    R = np.empty((3, 3))
    R[0] = a * a + b * b - c * c - d * d, 2 * (b * c - d * a), 2 * (b * d + c * a)
    R[1] = 2 * (b * c + d * a), a * a - b * b + c * c - d * d, 2 * (c * d + b * a)
    R[2] = 2 * (b * d - c * a), 2 * (c * d + a * b), a * a - b * b - c * c + d * d

    def dq(g):
        G = 2 * np.outer(g, v)
        da = np.sum(G * np.array([[a, -d, c], [d, a, -b], [-c, b, a]]))
        db = np.sum(G * np.array([[b, c, d], [c, -b, -a], [d, a, -b]]))
        dc = np.sum(G * np.array([[-c, b, a], [b, c, d], [-a, d, -c]]))
        dd = np.sum(G * np.array([[-d, -a, b], [a, -d, c], [b, c, d]]))
        return np.array([da, db, dc, dd])

    return R @ v, dq, lambda g: R.T @ g


@mistake("https://github.com/moveit/moveit2/pull/2154: the signs of a cross product in the matrix from an angular "
         "velocity to a quaternion's",
         says=[("wrong sign", "skew(v)"), ("transposed", "skew(v)"), ("order", "skew(v)"), ("transposed", "M.T"),
               ("wrong sign", "M ="), ("transposed", "M ="), ("wrong path", "np.cross(omega, v)"),
               ("order", "np.cross(omega, v)"), ("one minus", "skew(v)"), ("order", "M.T")],
         q=(4,), omega=(3,))
def spinning_quaternion_whose_cross_product_turns_the_other_way(q, omega):
    w, v = q[0], q[1:]
    dot = 0.5 * np.concatenate([[-v @ omega], w * omega + np.cross(omega, v)])

    def dq(g):
        return 0.5 * np.concatenate([[g[1:] @ omega], np.cross(g[1:], omega) - g[0] * omega])

    def domega(g):
        M = w * np.eye(3) + skew(v)
        return 0.5 * (M.T @ g[1:] - g[0] * v)

    return dot, dq, domega


@mistake("https://github.com/izhengfan/ba_demo_ceres/issues/7: the rotation between the camera's Jacobian and the "
         "skew matrix is missing",
         says=[("missing factor", "J_cam @ skew"), ("missing factor", "skew(point)"), ("missing path", "R @"),
               ("wrong path", "R @"), ("missing factor", "J ="), ("missing factor", "J.T")],
         phi=(3,))
def reprojection_that_forgets_how_the_camera_is_turned(phi):
    point = np.array([0.4, -0.7, 0.9])
    R = rotation([0.6, 0.0, 0.8], 0.9)
    x, y, z = R @ (point + np.cross(phi, point)) + np.array([0.1, 0.2, 9.0])

    def backward(g):
        J_cam = np.array([[1 / z, 0, -x / z ** 2], [0, 1 / z, -y / z ** 2]])
        J = -J_cam @ skew(point)
        return J.T @ g

    return np.array([x / z, y / z]), backward


@mistake("https://github.com/HKUST-Aerial-Robotics/VINS-Fusion/issues/49: an identity above a row of zeros, where "
         "0.5 L(q) belongs",
         says=[("other array", "np.eye"), ("other function", "np.eye"), ("missing factor", "np.eye"),
               ("missing factor", "J.T"), ("missing path", "v @ half"), ("wrong path", "np.cross(v, half)"),
               ("missing path", "np.cross(v, half)"), ("missing path", "turned ="), ("wrong path", "turned ="),
               ("missing term", "J[1:]"), ("missing term", "J.T"), ("other array", "J[1:]"), ("other array", "J.T"),
               ("wrong path", "half ="), ("missing path", "half ="), ("missing factor", "0.5 * delta")],
         delta=(3,), q=(4,))
def rotation_update_whose_jacobian_is_the_identity(delta, q):
    w, v = q[0], q[1:]
    half = 0.5 * delta
    turned = np.concatenate([[w - v @ half], v + w * half + np.cross(v, half)])

    def ddelta(g):
        J = np.zeros((4, 3))
        J[1:] = np.eye(3)
        return J.T @ g

    def dq(g):
        dv = g[1:] - g[0] * half + np.cross(half, g[1:])
        return np.concatenate([[g[0] + half @ g[1:]], dv])

    return turned, ddelta, dq


@mistake("https://github.com/moveit/moveit2/pull/3069: the joints behind a link do not move it, and have columns in "
         "its Jacobian all the same",
         says=[("part", "theta"), ("condition", "range(len(theta))"), ("constant", "range(len(theta))"),
               ("other array", "len(theta)"), ("argument", "range(len(theta))"), ("extra term", "dtheta[i]"),
               ("condition", "dtheta[i]"), ("extra factor", "dtheta[i]"), ("missing factor", "dtheta[i]")],
         theta=(6,))
def arm_whose_later_joints_move_an_earlier_link(theta):
    link = 3
    heading = np.cumsum(theta)
    steps = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    joints = np.vstack([np.zeros(2), np.cumsum(steps, axis=0)])
    position = joints[link]

    def backward(g):
        dtheta = np.zeros_like(theta)
        for i in range(len(theta)):
            arm = position - joints[i]
            dtheta[i] = g[1] * arm[0] - g[0] * arm[1]
        return dtheta

    return position.copy(), backward


@mistake("https://github.com/UM-ARM-Lab/pytorch_kinematics/pull/13: the axis of every joint is +z in the Jacobian",
         says=[("other array", "[0.0, 0.0, 1.0]"), ("constant", "[0.0, 0.0, 1.0]"), ("argument", "[0.0, 0.0, 1.0]"),
               ("other array", "np.cross"), ("argument", "np.cross"), ("other array", "z_axis"),
               ("constant", "z_axis"), ("wrong path", "rotation(axis")],
         theta=(4,), points=(4, 3))
def revolute_joints_whose_axis_is_always_z(theta, points):
    axis = np.array([0.48, 0.6, 0.64])
    turns = [rotation(axis, angle) for angle in theta]
    ends = np.array([R @ p for R, p in zip(turns, points)])

    def dtheta(g):
        z_axis = np.array([0.0, 0.0, 1.0])
        return np.sum(g * np.cross(z_axis, ends), axis=1)

    def dpoints(g):
        return np.array([R.T @ row for R, row in zip(turns, g)])

    return ends, dtheta, dpoints


@mistake("https://github.com/ipab-slmc/exotica/pull/668: two of the three columns for the rotation of a floating "
         "base are swapped",
         says=[("order", "np.column_stack"), ("moved", "np.column_stack"), ("other array", "np.column_stack"),
               ("transposed", "np.column_stack"), ("argument", "np.column_stack"), ("place", "np.column_stack"),
               ("axis", "np.column_stack"), ("part", "rpy"), ("order", "J.T"), ("moved", "J.T")],
         rpy=(3,))
def floating_base_with_two_columns_swapped(rpy):
    v = np.array([0.3, -1.1, 0.7])
    X, Y, Z = (rotation(np.eye(3)[i], rpy[i]) for i in range(3))
    end = Z @ Y @ X @ v

    def backward(g):
        roll = Z @ Y @ np.cross([1, 0, 0], X @ v)
        pitch = Z @ np.cross([0, 1, 0], Y @ X @ v)
        yaw = np.cross([0, 0, 1], end)
        J = np.column_stack([roll, yaw, pitch])
        return J.T @ g

    return end, backward


@mistake("https://github.com/nerfstudio-project/gsplat/issues/732: 56 k₃ where 6 · 7 k₃ belongs",
         says=[("constant", "56"), ("extra factor", "56"), ("missing factor", "56"), ("wrong path", "7 * k3"),
               ("constant", "ddforward")],
         theta=lambda rng: rng.uniform(0.3, 1.2, 7))
def fisheye_slope_with_a_coefficient_of_the_next_power(theta):
    k1, k2, k3, k4 = 0.3, -0.2, 0.25, 0.1
    slope = 1 + 3 * k1 * theta ** 2 + 5 * k2 * theta ** 4 + 7 * k3 * theta ** 6 + 9 * k4 * theta ** 8

    def backward(g):
        ddforward = 6 * k1 * theta + 20 * k2 * theta ** 3 + 56 * k3 * theta ** 5 + 72 * k4 * theta ** 7
        return g * ddforward

    return slope, backward


@mistake("https://github.com/borglab/gtsam/issues/1325: the polynomial of a fisheye lens is not multiplied by θ, "
         "says the thread; here it is the value that lacks it",
         says=[("missing factor", "theta_d ="), ("wrong path", "theta_d ="), ("other function", "theta_d ="),
               ("power", "theta_d ="), ("missing factor", "theta_d / r"), ("wrong path", "theta_d / r"),
               ("other array", "theta_d / r")],
         p=lambda rng: rng.uniform(0.3, 1.5, (5, 2)))
def fisheye_whose_angle_is_left_out(p):
    k1, k2 = 0.2, -0.1
    r = np.sqrt(np.sum(p ** 2, axis=1, keepdims=True))
    theta = np.arctan(r)
    theta_d = 1 + k1 * theta ** 2 + k2 * theta ** 4
    scale = theta_d / r

    def backward(g):
        dtd = (1 + 3 * k1 * theta ** 2 + 5 * k2 * theta ** 4) / (1 + r ** 2)
        dscale = np.sum(g * p, axis=1, keepdims=True)
        return g * scale + dscale * (dtd - scale) / r * (p / r)

    return scale * p, backward


@mistake("https://github.com/facebookresearch/momentum/pull/1486: 1 + A/B for (1 + A)/B",
         says=[("order", "1 + A / B"), ("extra term", "1 + A / B"), ("missing factor", "1 + A / B"),
               ("other function", "1 + A / B"), ("missing term", "1 + A / B"), ("wrong path", "1 + A / B"),
               ("extra term", "(1 + A)"), ("constant", "(1 + A)")],
         p=(5, 2))
def rational_distortion_without_brackets(p):
    k1, k2, k4, k5 = 0.3, -0.05, 0.2, 0.04
    r2 = np.sum(p * p, axis=1, keepdims=True)
    A = k1 * r2 + k2 * r2 ** 2
    B = 1 + k4 * r2 + k5 * r2 ** 2
    radial = 1 + A / B

    def backward(g):
        dA, dB = k1 + 2 * k2 * r2, k4 + 2 * k5 * r2
        dradial = (dA - (1 + A) * dB / B) / B
        return g * radial + 2 * p * dradial * np.sum(g * p, axis=1, keepdims=True)

    return p * radial, backward
