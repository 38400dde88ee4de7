"""Arrays in, matplotlib figures out. These functions know no model; they draw what was computed elsewhere.

Every function returns a `matplotlib.figure.Figure`; `figure.savefig(path)` writes it. matplotlib is imported when the
first figure is drawn, because importing it takes longer than importing everything else.
"""

import base64
import io
import itertools
import pathlib
import statistics
import sys
import textwrap

import numpy as np

from ..plain import printable

_shown = itertools.count(1)  # numbers the figures that a program shows, for the names of their files


def _figure(width, height):
    from matplotlib.figure import Figure  # not pyplot, which keeps every figure alive and needs a display

    return Figure(figsize=(width, height), dpi=100, layout="constrained")


def show(figure, alt):
    """Show a figure to the reader of a tutorial.

    alt   what the picture shows, in a sentence or two, for readers who cannot see it

    In a notebook, the picture appears below the cell. A program writes it to runs/tutorials/, and prints its path and
    `alt`.
    """
    if "ipykernel" in sys.modules:
        from IPython.display import display

        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=1.5 * figure.dpi, metadata={"Software": None})
        picture = {"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": alt}
        width = round(figure.get_figwidth() * figure.dpi)
        display(picture, metadata={"image/png": {"alt": alt, "width": width}}, raw=True)
    else:
        path = pathlib.Path("runs", "tutorials", f"{pathlib.Path(sys.argv[0]).stem}-{next(_shown)}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
        print(printable(textwrap.fill(f"[{path.as_posix()}: {alt}]", 80, break_on_hyphens=False)))
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)       # or a notebook would show it twice


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
    figure = _figure(max(width * scale, 1), max(height * scale, 1) + (0.3 if title else 0))
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
    figure = _figure(4 * len(columns), 3)
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

    Up to twenty labels are also written at the median of their codes, or a little above, so that you can tell them
    apart without colour.
    """
    from matplotlib import patheffects

    figure = _figure(7, 6)
    axes = figure.add_subplot()
    style = {"s": 3 if len(codes) > 1000 else 15, "alpha": 0.6, "linewidths": 0}
    if labels is None:
        axes.scatter(*codes.T, color="black", **style)
    else:
        kinds = np.unique(labels)
        colours = "tab10" if len(kinds) <= 10 else "turbo"
        points = axes.scatter(*codes.T, c=np.searchsorted(kinds, labels), cmap=colours, **style)
        if len(kinds) <= 20:
            handles = [axes.scatter([], [], color=points.to_rgba(i), label=kind) for i, kind in enumerate(kinds)]
            axes.legend(handles=handles, title="label", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
            places, apart = [], 0.04 * np.ptp(codes, axis=0).max()
            for kind in kinds:
                place = np.median(codes[labels == kind], axis=0)
                while any(np.abs(place - other).max() < apart for other in places):
                    place = place + [0, apart / 2]           # up, until no other label is in the way
                places.append(place)
                axes.annotate(
                    f"{kind}", place, ha="center", va="center", fontsize=13, fontweight="bold",
                    path_effects=[patheffects.withStroke(linewidth=3, foreground="white")],
                )  # fmt: skip
    axes.set_xlabel("z₁")
    axes.set_ylabel("z₂")
    axes.set_aspect("equal", adjustable="datalim")
    return figure


def factors(shares, names):
    """Draw a table: how much of each latent dimension's variance each factor explains, (latent_dim, len(names)).

    Rows are sorted by the factor that explains most of them. Those that no factor explains come last.
    """
    order = np.lexsort([-shares.max(axis=1), shares.argmax(axis=1) + len(names) * (shares.max(axis=1) < 0.1)])
    figure = _figure(1.5 + 0.9 * len(names), 1.2 + 0.3 * len(shares))
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


STYLES = [("black", "-", "o"), ("tab:blue", "--", "s"), ("tab:orange", "-.", "^"), ("tab:green", ":", "D")]


def lines(series, x_label, y_label, log_x=False, log_y=False, y_range=None):
    """Draw curves that you can tell apart without colour: a dict from names to pairs of x and y."""
    figure = _figure(6, 4)
    axes = figure.add_subplot()
    for (name, (x, y)), (colour, style, marker) in zip(series.items(), STYLES):
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
    figure = _figure(9, 4)
    for i, (axis, curves) in enumerate(grown.items()):
        axes = figure.add_subplot(1, len(grown), i + 1)
        for (name, (sizes, seconds)), (colour, style, marker) in zip(curves.items(), STYLES):
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
    """Draw points z (N, 2), and beside them their images x (N, 2) under a map."""
    figure = _figure(6.4, 3.4)
    for i, (points, title, name) in enumerate([(z, z_title, "z"), (x, x_title, "x")]):
        axes = figure.add_subplot(1, 2, i + 1)
        axes.scatter(*points.T, s=3, color="black", alpha=0.5, linewidths=0)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel(f"{name}₁")
        axes.set_ylabel(f"{name}₂")
        axes.set_aspect("equal")
    return figure


def posterior(z, log_p, log_q):
    """Draw p(z | x) on a grid z (side, side, 2) in grey, and over it the contours of a Gaussian.

    log_p, log_q   ln p(z | x) and the Gaussian's ln q(z), arrays (side, side)
    """
    figure = _figure(5.5, 4.5)
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
