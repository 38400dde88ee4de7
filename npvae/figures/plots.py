"""Arrays in, matplotlib figures out. These functions know no model; they draw what was computed elsewhere.

Every function returns a `matplotlib.figure.Figure`; `figure.savefig(path)` writes it. matplotlib is imported when the
first figure is drawn, because importing it takes longer than importing everything else.
"""

import itertools
import statistics

import numpy as np

PICTURES = "pictures"  # the label of figures whose colours a page in the dark must not invert


def new_figure(width, height):
    """Return an empty figure of this width and height in inches."""
    from matplotlib.figure import Figure  # not pyplot, which keeps every figure alive and needs a display

    return Figure(figsize=(width, height), dpi=100, layout="constrained")


def tile(images, columns, gap=2):
    """Lay images (N, H, W, C) out row by row on a grey background: return an array (height, width, C).

    N need not fill the last row. Values are clipped to [0, 1].
    """
    N, H, W, C = images.shape
    rows = -(-N // columns)
    sheet = np.full((rows * (H + gap) + gap, columns * (W + gap) + gap, C), 0.5, dtype=np.float32)
    for n, image in enumerate(np.clip(images, 0, 1)):
        top, left = gap + n // columns * (H + gap), gap + n % columns * (W + gap)
        sheet[top : top + H, left : left + W] = image
    return sheet


def image_sheet(images, columns, title="", row_names=(), column_names=()):
    """Draw images (N, H, W, C) of one or three channels in a grid, whose rows and columns may have names."""
    sheet = tile(images, columns)
    height, width = sheet.shape[:2]
    scale = 8 / max(height, width)
    figure = new_figure(max(width * scale, 1), max(height * scale, 1) + (0.3 if title else 0))
    figure.set_label(PICTURES)
    axes = figure.add_subplot()
    axes.imshow(sheet.squeeze(-1) if sheet.shape[-1] == 1 else sheet, cmap="gray", vmin=0, vmax=1)
    for side in axes.spines.values():
        side.set_visible(False)
    row_height = height / max(1, -(-len(images) // columns))
    axes.set_xticks((np.arange(len(column_names)) + 0.5) * width / columns, column_names)
    axes.set_yticks((np.arange(len(row_names)) + 0.5) * row_height, row_names)
    axes.tick_params(left=False, bottom=False, top=False, labelbottom=False, labeltop=True)
    axes.set_title(title, fontsize=10)
    return figure


def reconstructions(originals, reconstructed, columns=20):
    """Draw images (N, H, W, C) and their reconstructions in alternating columns: reconstruction, original, …"""
    pairs = np.stack([reconstructed, originals], axis=1)
    pairs = pairs.reshape(-1, *originals.shape[1:])
    return image_sheet(pairs, columns, "in each pair: left the reconstruction, right the original")


def history(rows, columns, unit, validations=()):
    """Draw the history of a run, rows (steps, len(columns)), in one panel for each column. The first is the loss.

    unit          the unit of all columns but an "objective", which has none
    validations   pairs of step and validation loss

    Grey: each step. Black: the mean over the last 100 steps (fewer in a short run). Points: the validation loss.
    """
    rows = np.asarray(rows, dtype=np.float64)
    figure = new_figure(4 * len(columns), 3)
    window = max(1, min(100, len(rows) // 10))
    steps = np.arange(1, len(rows) + 1)
    kernel = np.ones(window) / window
    for i, name in enumerate(columns):
        axes = figure.add_subplot(1, len(columns), i + 1)
        axes.plot(steps, rows[:, i], color="0.75", linewidth=0.5, label="each step")
        smooth = np.convolve(rows[:, i], kernel, "valid")
        axes.plot(steps[window - 1 :], smooth, color="black", label=f"mean of {window}")
        if i == 0 and validations:
            axes.plot(*zip(*validations), "o", markersize=3, color="tab:red", label="validation")
        settled = rows[len(rows) // 100 :, i]  # the first steps would flatten all the others
        margin = 0.05 * (settled.max() - settled.min()) or 1
        axes.set_ylim(settled.min() - margin, settled.max() + margin)
        axes.set_xlabel("step")
        axes.set_ylabel("what is minimised" if name == "objective" else unit)
        axes.set_title(name)
        axes.legend(fontsize=8, frameon=False)
    return figure


def manifold_codes(side):
    """Return the codes of a side × side grid over a 2-D latent space, (side², 2), row by row from the top left.

    They are equally spaced in probability. Take an even grid on the unit square and apply the inverse of the normal
    distribution function: N(0, I) gives each cell the same probability (Kingma and Welling 2014, appendix A).
    """
    quantiles = (np.arange(side) + 0.5) / side
    values = [statistics.NormalDist().inv_cdf(q) for q in quantiles]
    z2, z1 = np.meshgrid(values[::-1], values, indexing="ij")
    return np.stack([z1.ravel(), z2.ravel()], axis=1)


def manifold(images, side):
    """Draw the decoded `manifold_codes(side)`: images (side², H, W, C)."""
    return image_sheet(images, side, "decoded grid of the latent space: z₁ to the right, z₂ upwards")


def latent_scatter(codes, labels=None):
    """Draw codes (N, 2), coloured by their labels (N,), if any.

    Up to twenty labels are also written where their own codes are most among themselves, so that you can tell them
    apart without colour. Where two would meet, one moves aside, and a line leads from it to its place.
    """
    from matplotlib import patheffects

    figure, axes = _plane(codes)
    style = {"s": 6 if len(codes) > 1000 else 15, "alpha": 0.6, "linewidths": 0}
    if labels is None:
        axes.scatter(*codes.T, color="black", **style)
        return figure
    kinds = np.unique(labels)
    colours = "tab10" if len(kinds) <= 10 else "turbo"
    points = axes.scatter(*codes.T, c=np.searchsorted(kinds, labels), cmap=colours, **style)
    if len(kinds) <= 20:
        handles = [axes.scatter([], [], color=points.to_rgba(i), label=kind) for i, kind in enumerate(kinds)]
        axes.legend(handles=handles, title="label", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        at = homes(codes, labels, kinds)
        for kind, home, place in zip(kinds, at, _apart(at, 0.05 * np.ptp(codes, axis=0).max())):
            axes.annotate(
                f"{kind}", home, place, ha="center", va="center", fontsize=13, fontweight="bold",
                path_effects=[patheffects.withStroke(linewidth=3, foreground="white")],
                arrowprops=None if np.array_equal(place, home) else {"arrowstyle": "-", "shrinkA": 6, "shrinkB": 0},
            )  # fmt: skip
    return figure


def _plane(codes):
    """Return a figure, and axes with one scale for both latent dimensions, as wide and as high as codes (N, 2) need."""
    low, high = codes.min(axis=0), codes.max(axis=0)
    spans = np.maximum(high - low, 0.4 * (high - low).max() or 1)
    width, height = 6 * spans / spans.max()
    figure = new_figure(width + 1, height + 0.5)                # with room for a legend and for the names of the axes
    figure.set_layout_engine("compressed")                   # or the name of z₂ may be cut off
    axes = figure.add_subplot()
    for name, middle, span in zip("xy", (low + high) / 2, 1.06 * spans):
        axes.set(**{f"{name}lim": (middle - span / 2, middle + span / 2)})
    axes.set(xlabel="z₁", ylabel="z₂", aspect="equal")
    return figure, axes


def _apart(homes, distance):
    """Return places near the homes (N, 2) that are at least a distance apart from one another in z₁ or z₂.

    A label that would meet another one moves to the nearest circle around its home on which there is room.
    """
    turns = 2 * np.pi * np.arange(24) / 24
    circle, places = np.stack([np.cos(turns), np.sin(turns)], axis=1), []
    for n, home in enumerate(homes):
        candidates, radius = home[None], 0
        while True:
            others = np.reshape([*places, *(homes[n + 1 :] if radius else [])], (-1, 2))
            room = np.abs(candidates[:, None] - others).max(axis=-1).min(axis=1, initial=np.inf)
            if room.max() >= distance:
                break
            radius = max(1.5 * distance, 1.1 * radius)       # so that the line can be seen
            candidates = home + radius * circle
        places.append(candidates[room.argmax()])
    return np.array(places)


def homes(codes, labels, kinds, neighbours=30):
    """Return for each of the kinds, which are labels, the code of its most homogeneous neighbourhood: (len(kinds), 2).

    It is a code of that kind whose nearest codes are most often of the same kind; among those, the nearest are closest.
    """
    k = min(neighbours, len(codes))
    same, reach = np.empty(len(codes)), np.empty(len(codes))
    for n, code in enumerate(codes):
        distances = np.square(codes - code).sum(axis=1)
        nearest = np.argpartition(distances, k - 1)[:k]
        same[n], reach[n] = np.mean(labels[nearest] == labels[n]), distances[nearest].max()
    order = np.lexsort([reach, -same])                       # the best first
    return np.array([codes[next(i for i in order if labels[i] == kind)] for kind in kinds])


def posterior_ellipses(mu, logvar, labels=None, codes=None):
    """Draw posteriors N(μ_n, σ_n²) in a plane of codes, mu and logvar (N, 2), as ellipses of one standard deviation.

    labels   (N,), for colours
    codes    (any, 2), drawn as grey points under the ellipses
    """
    from matplotlib.patches import Ellipse

    figure, axes = _plane(mu if codes is None else np.concatenate([mu, codes]))
    if codes is not None:
        axes.scatter(*codes.T, s=6, color="0.75", linewidths=0)
    kinds = np.unique(labels) if labels is not None else []
    for n, (centre, sigma) in enumerate(zip(mu, np.exp(0.5 * logvar))):
        colour = "black" if labels is None else f"C{np.searchsorted(kinds, labels[n]) % 10}"
        axes.add_patch(Ellipse(centre, *2 * sigma, fill=False, edgecolor=colour, linewidth=1.2))
    for i, kind in enumerate(kinds):
        axes.plot([], [], color=f"C{i % 10}", label=f"{kind}")
    if len(kinds):
        axes.legend(title="label", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def nested_subspaces():
    """Draw PCA in two panels: what a copy keeps and loses, and the line of k = 1 within the plane of k = 2."""
    figure = new_figure(6.4, 3.4)
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    letters = {"fontsize": 13, "ha": "center", "va": "center"}
    dots = {"s": 50, "zorder": 3}

    m, copy, x = np.array([[0, 0], [2.6, 1.3], [1.6, 3.3]])
    left.axline(m, copy, color="tab:blue", linewidth=2)
    left.plot(*np.stack([m, x]).T, color="0.5")
    left.plot(*np.stack([m, copy]).T, color="black", linewidth=3)
    left.plot(*np.stack([copy, x]).T, color="tab:red", linestyle="--", linewidth=2)
    left.plot(*np.stack([0.9 * copy, 0.9 * copy + [-0.13, 0.26], copy + [-0.13, 0.26]]).T, color="0.5", linewidth=1)
    for name, place, aside in (("m", m, (0.1, -0.4)), ("x̂", copy, (0.25, -0.3)), ("x", x, (0, 0.4))):
        left.text(*(place + aside), name, **letters)
        left.scatter(*place, color="black", **dots)
    left.text(1.7, 0.35, "kept", **letters)
    left.text(2.75, 2.5, "lost", color="tab:red", **letters)
    left.set(xlim=(-0.7, 3.9), ylim=(-0.9, 4.1), aspect="equal")
    left.set_axis_off()

    axes = np.array([[1, 0.2], [0.5, -0.75], [0, 1]])        # where the directions u₁, u₂ and u₃ point on paper
    corners = np.array([[-2, -1.5, 0], [2, -1.5, 0], [2, 1.5, 0], [-2, 1.5, 0]]) @ axes
    right.fill(*corners.T, color="tab:blue", alpha=0.2, linewidth=0)
    right.plot(*(np.array([[-2, 0, 0], [2, 0, 0]]) @ axes).T, color="tab:blue", linewidth=2)
    steps = np.array([[0.9, 1, 2.4], [0.9, 1, 0], [0.9, 0, 0], [-0.9, 0, 0]]) @ axes
    right.plot(*steps[:3].T, color="tab:red", linestyle="--", linewidth=2)
    right.scatter(*steps.T, color="black", **dots)
    beside = [(0, 0.35), (-0.1, -0.37), (-0.2, 0.38), (0, 0.38)]
    for name, place, aside in zip(("x", "k = 2", "k = 1", "m"), steps, beside):
        right.text(*(place + aside), name, **letters)
    right.set(aspect="equal")
    right.margins(0.08)
    right.set_axis_off()
    return figure


def factors(shares, names):
    """Draw a table: how much of each latent dimension's variance each factor explains, (latent_dim, len(names)).

    Rows are sorted by the factor that explains most of them. Those that no factor explains come last.
    """
    order = np.lexsort([-shares.max(axis=1), shares.argmax(axis=1) + len(names) * (shares.max(axis=1) < 0.1)])
    figure = new_figure(1.5 + 0.9 * len(names), 1.2 + 0.3 * len(shares))
    axes = figure.add_subplot()
    axes.imshow(shares[order], cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares[order]):
        axes.text(
            column, row, f"{share:.2f}", ha="center", va="center", fontsize=8, color="white" if share > 0.5 else "black"
        )
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(shares)), [f"z{j + 1}" for j in order])
    axes.set_title("share of variance explained", fontsize=10)
    return figure


STYLES = [
    ("black", "-", "o"), ("tab:blue", "--", "s"), ("tab:orange", "-.", "^"), ("tab:green", ":", "D"),
    ("tab:red", (0, (8, 2)), "v"), ("tab:purple", (0, (3, 1, 1, 1)), "P"), ("tab:brown", (0, (1, 1)), "X"),
]  # fmt: skip


def lines(series, x_label, y_label, log_x=False, log_y=False, y_range=None):
    """Draw curves that you can tell apart without colour: a dict from names to pairs of x and y."""
    figure = new_figure(6, 4)
    axes = figure.add_subplot()
    for (name, (x, y)), (colour, style, marker) in zip(series.items(), itertools.cycle(STYLES)):
        many = len(x) > 20
        axes.plot(x, y, color=colour, linestyle=style, marker=None if many else marker, label=name)
    if log_x:
        axes.set_xscale("log")
        axes.set_xticks(x, [f"{tick:g}" for tick in x])
        axes.minorticks_off()
    if log_y:
        from matplotlib.ticker import LogFormatter

        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")              # 0.01 and not 10⁻²
        axes.yaxis.set_minor_formatter(LogFormatter())       # 20 and not 2 × 10¹
    if y_range:
        axes.set_ylim(*y_range)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.legend(frameon=False)
    return figure


def growth(grown, title):
    """Draw the time of a step, one panel for each size that grows.

    grown   a dict from the name of a size to a dict from the name of a library to (sizes, seconds)
    """
    figure = new_figure(9, 4)
    for i, (axis, curves) in enumerate(grown.items()):
        axes = figure.add_subplot(1, len(grown), i + 1)
        for (name, (sizes, seconds)), (colour, style, marker) in zip(curves.items(), itertools.cycle(STYLES)):
            milliseconds = 1000 * np.asarray(seconds)
            axes.loglog(sizes, milliseconds, color=colour, linestyle=style, marker=marker, markersize=4, label=name)
        axes.set_xticks(sizes, [f"{n:,}" if i % 2 == 0 else "" for i, n in enumerate(sizes)], fontsize=8)
        axes.minorticks_off()
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_xlabel(axis)
        axes.set_ylabel("milliseconds for a step")
        axes.legend(frameon=False)
    figure.suptitle(title, fontsize=10)
    return figure


def pushed(z, x, z_title, x_title):
    """Draw points z (N, 2), and beside them their images x (N, 2) under a map, coloured by the direction of z."""
    figure = new_figure(6.4, 3.4)
    angle = np.arctan2(*z.T)
    for i, (points, title, name) in enumerate([(z, z_title, "z"), (x, x_title, "x")]):
        axes = figure.add_subplot(1, 2, i + 1)
        axes.scatter(*points.T, s=6, c=angle, cmap="twilight_shifted", linewidths=0)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel(f"{name}₁")
        axes.set_ylabel(f"{name}₂")
        axes.set_aspect("equal")
    return figure


def posterior(z, log_p, log_q):
    """Draw p(z | x) on a grid z (side, side, 2) in grey, and over it the contours of a Gaussian.

    log_p, log_q   ln p(z | x) and the Gaussian's ln q(z), arrays (side, side)
    """
    figure = new_figure(5.5, 4.5)
    axes = figure.add_subplot()
    half = (z[0, 1, 0] - z[0, 0, 0]) / 2                     # half a pixel; z is its centre
    extent = (z[0, 0, 0] - half, z[0, -1, 0] + half, z[0, 0, 1] - half, z[-1, 0, 1] + half)
    image = axes.imshow(np.exp(log_p), origin="lower", extent=extent, cmap="Greys")
    levels = log_q.max() - 0.5 * np.array([9, 4, 1])         # three, two and one standard deviations
    axes.contour(z[..., 0], z[..., 1], log_q, levels=levels, colors="tab:red", linestyles=["dotted", "dashed", "solid"])
    figure.colorbar(image, label="p(z | x)")
    axes.set_xlabel("z₁")
    axes.set_ylabel("z₂")
    axes.set_title("grey: the posterior; red: the best Gaussian, at 1, 2 and 3 σ", fontsize=9)
    return figure
