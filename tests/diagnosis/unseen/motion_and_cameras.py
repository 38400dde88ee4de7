"""Robots that move, and cameras that look at them: threads in the trackers of robot_localization, solutions of a course
about SLAM, PythonRobotics, OpenCV, LearnVIORB, libnifalcon, Colvars, DVO SLAM and gsplat.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


def in_front(rng):
    return np.column_stack([rng.standard_normal((5, 2)), rng.uniform(1, 3, 5)])


def turn(angle, axis):
    c, s = np.cos(angle), np.sin(angle)
    return np.insert(np.insert([[c, -s], [s, c]], axis, 0, axis=0), axis, np.eye(3)[axis], axis=1)


@mistake("https://github.com/cra-ros-pkg/robot_localization/issues/591: a minus between the two terms of the "
         "derivative for the pitch",
         says=[("wrong sign", "dFY_dP"), ("wrong sign", "cr * tp"), ("other function", "cr * tp"),
               ("wrong sign", "dpitch")],
         roll=(7,), pitch=lambda rng: rng.uniform(-1, 1, 7), pitchVel=(7,), yawVel=(7,))
def yaw_of_a_filter_with_a_minus_in_its_transfer_function(roll, pitch, pitchVel, yawVel):
    delta = 0.1
    sr, cr = np.sin(roll), np.cos(roll)
    cpi, tp = 1 / np.cos(pitch), np.tan(pitch)
    step = (sr * cpi * pitchVel + cr * cpi * yawVel) * delta

    def backward(g):
        dFY_dR = (cr * cpi * pitchVel - sr * cpi * yawVel) * delta
        dFY_dP = (sr * tp * cpi * pitchVel - cr * tp * cpi * yawVel) * delta
        return g * dFY_dR, g * dFY_dP, g * sr * cpi * delta, g * cr * cpi * delta

    return step, backward


@mistake("https://github.com/conorhennessy/SLAM-Course-Solutions/issues/5: sine and cosine are exchanged in the "
         "Jacobian of the prediction",
         says=[("other function", "Gx[0, 2]"), ("other function", "Gx[1, 2]"), ("other array", "Gx[0, 2]"),
               ("other array", "Gx[1, 2]")],
         mu=(3,), u=(2,))
def odometry_with_sine_and_cosine_exchanged(mu, u):
    heading = mu[2] + u[1]
    moved = np.array([mu[0] + u[0] * np.cos(heading), mu[1] + u[0] * np.sin(heading), heading])

    def dmu(g):
        Gx = np.eye(3)
        Gx[0, 2] = -u[0] * np.cos(heading)
        Gx[1, 2] = u[0] * np.sin(heading)
        return Gx.T @ g

    def du(g):
        c, s = np.cos(heading), np.sin(heading)
        return np.array([g[0] * c + g[1] * s, u[0] * (g[1] * c - g[0] * s) + g[2]])

    return moved, dmu, du


@mistake("https://github.com/AtsushiSakai/PythonRobotics/pull/305: the Jacobian is that of the pose after the motion",
         says=[("other array", "pose[:, 2]"), ("other array", "yaw"), ("wrong path", "yaw = pose"),
               ("extra term", "yaw"), ("missing term", "yaw = pose"), ("wrong path", "np.cos(x[:, 2])"),
               ("wrong path", "np.sin(x[:, 2])")],
         x=(5, 3), u=(2,))
def robot_that_has_moved_before_its_jacobian_is_taken(x, u):
    dt = 0.3
    pose = x.copy()
    pose[:, 0] += dt * u[0] * np.cos(x[:, 2])
    pose[:, 1] += dt * u[0] * np.sin(x[:, 2])
    pose[:, 2] += dt * u[1]

    def dx(g):
        yaw = pose[:, 2]
        G = g.copy()
        G[:, 2] += dt * u[0] * (g[:, 1] * np.cos(yaw) - g[:, 0] * np.sin(yaw))
        return G

    def du(g):
        speed = g[:, 0] * np.cos(x[:, 2]) + g[:, 1] * np.sin(x[:, 2])
        return dt * np.array([speed.sum(), g[:, 2].sum()])

    return pose, dx, du


@mistake("https://github.com/opencv/opencv/issues/6030: wrong derivatives if the tangential coefficients are not "
         "zero: 2x² is differentiated as 2x",
         says=[("constant", "dr2_dx + 2 * x"), ("missing factor", "dr2_dx + 2 * x"), ("missing term", "dr2_dx + 2 * x"),
               ("missing path", "2 * x * x"), ("wrong path", "2 * x * x"), ("missing factor", "2 * x)")],
         points=in_front)
def lens_whose_tangential_distortion_has_half_a_slope(points):
    k1, p1, p2 = 0.2, 0.3, -0.4
    x, y, z = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2], points[:, 2]
    r2 = x * x + y * y
    u = x * (1 + k1 * r2) + p1 * 2 * x * y + p2 * (r2 + 2 * x * x)

    def dpoints(g):
        dr2_dx, dr2_dy = 2 * x, 2 * y
        du_dx = 1 + k1 * r2 + x * k1 * dr2_dx + p1 * 2 * y + p2 * (dr2_dx + 2 * x)
        du_dy = x * k1 * dr2_dy + p1 * 2 * x + p2 * dr2_dy
        gx, gy = g * du_dx / z, g * du_dy / z
        return np.column_stack([gx, gy, -gx * x - gy * y])

    return u, dpoints


@mistake("https://github.com/jingpang/LearnVIORB/issues/80: −Rcb, as the comment says, or −Rcb Rwbᵀ, as the code has "
         "it? Here the comment, for a position in the world",
         says=[("missing factor", "Rcb"), ("missing factor", "Rwb"), ("other array", "Rcb"), ("wrong path", "Rwb"),
               ("missing path", "Rwb"), ("order", "-g @ Rcb"), ("wrong path", "landmark - Pwb")],
         Pwb=(5, 3))
def landmark_whose_derivative_forgets_the_way_from_world_to_body(Pwb):
    Rcb, Rwb = turn(0.7, 0), turn(-1.1, 2)
    landmark = np.array([0.3, -1.2, 4.0])
    Pc = (landmark - Pwb) @ Rwb @ Rcb.T
    return Pc, lambda g: -g @ Rcb


@mistake("carried over from https://github.com/libnifalcon/libnifalcon/issues/66: sin θ₂ sin θ₂ for sin θ₂ sin θ₃ in "
         "a column of the Jacobian",
         says=[("other array", "sin(theta2) * np.sin(theta2)"), ("wrong path", "cos(theta3)"),
               ("extra factor", "sin(theta2) * np.sin(theta2)"), ("missing factor", "sin(theta2) * np.sin(theta2)")],
         theta2=(7,), theta3=(7,))
def leg_of_a_robot_with_one_angle_twice(theta2, theta3):
    a = 1.4
    reach = a * np.sin(theta2) * np.cos(theta3)
    def dtheta2(g): return g * a * np.cos(theta2) * np.cos(theta3)
    def dtheta3(g): return -g * a * np.sin(theta2) * np.sin(theta2)
    return reach, dtheta2, dtheta3


@mistake("https://github.com/Colvars/colvars/issues/827: q and −q are the same rotation, and the derivative has to "
         "know which of them it has got",
         says=[("missing factor", "q0"), ("wrong sign", "q0"), ("missing path", "abs"), ("wrong path", "abs"),
               ("part", "q0"), ("wrong sign", "-2 * g"), ("missing factor", "-2 * g"), ("wrong sign", "dq0")],
         q0=lambda rng: rng.choice([-1, 1], 7) * rng.uniform(0.2, 0.9, 7))
def rotation_angle_that_does_not_know_which_of_two_quaternions(q0):
    w = np.abs(q0)
    angle = 2 * np.arccos(w)

    def dq0(g):
        return -2 * g / np.sqrt(1 - w * w)

    return angle, dq0


@mistake("https://github.com/tum-vision/dvo_slam/pull/22: a Jacobian of the projection with −y/z² in the row of x, "
         "and −x/z² in that of y",
         says=[("other array", "J[0, 2]"), ("other array", "J[1, 2]"), ("moved", "J["), ("order", "J[")],
         points=in_front)
def projection_with_two_elements_exchanged(points):
    pixels = points[:, :2] / points[:, 2:]

    def dpoints(g):
        out = np.zeros_like(points)
        for i, (x, y, z) in enumerate(points):
            J = np.zeros((2, 3))
            J[0, 0] = J[1, 1] = 1 / z
            J[0, 2] = -y / z ** 2
            J[1, 2] = -x / z ** 2
            out[i] = g[i] @ J
        return out

    return pixels, dpoints


@mistake("https://github.com/nerfstudio-project/gsplat/issues/532: the Jacobian has the camera's tx and ty where x "
         "and y of the Gaussian belong",
         says=[("other array", "t[:2]"), ("missing term", "t[:2]"), ("wrong path", "seen[:, 2:]"),
               ("wrong path", "depth ="), ("missing path", "depth ="), ("missing path", "seen = means"),
               ("other array", "dz"), ("missing term", "dz")],
         means=in_front)
def splat_projected_with_the_position_of_its_camera(means):
    focal, t = np.array([1.3, 0.9]), np.array([0.2, -0.5, 2.0])
    seen = means + t
    depth = seen[:, 2:]
    uv = focal * seen[:, :2] / depth

    def dmeans(g):
        dxy = g * focal / depth
        dz = np.einsum("ik,k,k,i->i", g, focal, -t[:2], 1 / depth[:, 0] ** 2)
        return np.concatenate([dxy, dz[:, None]], axis=1)

    return uv, dmeans
