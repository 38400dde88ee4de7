"""The exercise about principal component analysis, and the linear autoencoder that finds the same."""

import numpy as np
from tqdm import tqdm

from ... import models
from ...autodiff.report import Fault
from ...diagnosis.comparison import Comparison, same
from ...diagnosis.draws import traced_run
from ...diagnosis.program import is_ours
from ...gradchecks.check import normal
from ...nn import optim, schedules
from ...training import training_step
from ..exercise import Prediction, ProcedureExercise, Unfit, Wrong, array, in_words

COUNT = 2


def compare(f, rng, N, D, K):
    """Compare the mean, the eigenvalues and the projection onto the components, for data that is not centred."""
    N, D, count = 20 + N, 2 + D, min(K // 2, 3)
    comparisons = list(_compare(f, rng, N, D, count))
    if all(c.ok for c in comparisons):
        _check_order(f, rng, N, D, count)
        _check_precision(f, rng, N, D, count)
    return comparisons


def _check_order(f, rng, N, D, count):
    """Raise `Unfit` unless each row is the eigenvector of its eigenvalue: a projection does not see their order."""
    x = normal(rng, N, D) @ normal(rng, D, D)
    overlaps = np.abs(f(x.copy(), count)[1] @ models.pca.principal_components(x, count)[1].T)
    if not np.allclose(overlaps, np.eye(count), rtol=0, atol=1e-6):
        are = "rows stand in another order, expected the largest eigenvalue first"
        if not np.allclose(overlaps.max(axis=1), 1, rtol=0, atol=1e-6):
            are = "rows span the right subspace, but they are not the eigenvectors themselves"
        raise Unfit("components", f"the {are}")


def _check_precision(f, rng, N, D, count):
    """Raise `Unfit` unless the results for float32 examples, far from zero, are exact to float64."""
    x = (normal(rng, N, D) * np.linspace(3, 0.5, D) @ normal(rng, D, D) + 100).astype(np.float32)
    found, right = f(x.copy(), count), models.pca.principal_components(x, D)
    mean, components, eigenvalues = (array(a, name) for a, name in zip(found, ("mean", "components", "eigenvalues")))
    U = right[1][:count]
    for name, a, expected in (
        ("mean", mean, right[0]),
        ("eigenvalues", eigenvalues, right[2]),
        ("components", components.T @ components, U.T @ U),
    ):
        if not same(a, expected):
            rounded = "right for float64 examples, but for float32 examples it is rounded on the way"
            raise Unfit(name, f"{rounded}: float64 from the first step on", Fault.ROUNDED)


def _compare(f, rng, N, D, count):
    x = normal(rng, N, D) * np.linspace(3, 0.5, D) @ normal(rng, D, D) + normal(rng, D)
    given = x.copy()
    found = f(given, count)
    if not isinstance(found, tuple) or len(found) != 3:
        expected = "expected the tuple mean, components, eigenvalues"
        raise Unfit("mean", f"your function returns {in_words(found)}, {expected}")
    if not np.array_equal(given, x):
        raise Unfit("mean", "your function changed this input in place: x", Fault.CHANGED_INPUT)
    mean, components, eigenvalues = (array(a, name) for a, name in zip(found, ("mean", "components", "eigenvalues")))
    right = models.pca.principal_components(x, D)
    uncentred = np.linalg.eigh(x.T @ x / N)
    numbers = {"N, the examples": N, "D, the dimensions": D, "N/(N − 1)": N / (N - 1)}

    def draws(name, truth):
        def run(given):
            mean, components, eigenvalues = f(given(x, "x"), count)
            return {"mean": mean, "eigenvalues": eigenvalues, "projection": components.T @ components}

        return list if is_ours(f) else lambda: traced_run(f, run, name, truth, numbers)

    yield Comparison("mean", mean, right[0], {"x": x}, numbers=numbers, draws=draws("mean", right[0]))
    if components.shape == (D, count):
        raise Unfit("components", "the components are in the columns, expected one in each row")
    if components.shape != (count, D):
        raise Unfit("components", f"they have the shape {components.shape}, expected (count, D) = {count, D}")
    U = right[1]
    yield Comparison(
        "eigenvalues",
        eigenvalues,
        right[2],
        numbers=numbers,
        suspects={
            "the data was not centred": uncentred[0][::-1],
            "these are singular values: the root of N times the eigenvalues": np.sqrt(right[2] * N),
            "these are standard deviations: the roots of the eigenvalues": np.sqrt(right[2]),
        },
        draws=draws("eigenvalues", right[2]),
    )
    yield Comparison(
        "projection",
        components.T @ components,
        U[:count].T @ U[:count],
        numbers=numbers,
        suspects={
            "the last components are taken instead of the first": U[-count:].T @ U[-count:],
            "the data was not centred": (V := uncentred[1][:, ::-1][:, :count]) @ V.T,
            "the components were taken from the rows of the matrix of eigenvectors, but these are its columns": _rows(
                x, count
            ),
        }
        | _axes(components, U),
        draws=draws("projection", U[:count].T @ U[:count]),
    )


def _axes(components, U):
    """Return what the rows of the components are, if they are eigenvectors (rows of U), with what they project onto."""
    lengths = np.linalg.norm(components, axis=1)
    overlaps = np.abs(components @ U.T) / np.maximum(lengths, 1e-300)[:, None]
    which, count = overlaps.argmax(axis=1), len(components)
    across = np.abs(np.abs(components)[:, None] - np.abs(U.T)).max(axis=2) < 1e-8  # an eigenvector may have either sign
    if across.any(axis=1).all():
        words = "the matrix of eigenvectors is transposed: each row has one number of every eigenvector"
        return {words: components.T @ components}
    if not np.allclose(overlaps.max(axis=1), 1, rtol=0, atol=1e-9):
        return {}
    said = {}
    if not np.allclose(lengths, 1):
        said["the rows have other lengths than 1, although their directions are eigenvectors"] = True
    D = len(U)
    if sorted(which) not in ([*range(count)], [*range(D - count, D)]):  # the first, or the last
        said["the rows are eigenvectors, but not those of the largest eigenvalues, in falling order"] = True
    return dict.fromkeys(said, components.T @ components)


def _covariance(x):
    centred = x - x.mean(axis=0)
    return centred.T @ centred / len(x)


def _rows(x, count):
    """Project onto the last rows of the matrix of eigenvectors, which are not eigenvectors at all."""
    rows = np.linalg.eigh(_covariance(x))[1][::-1][:count]
    return rows.T @ rows


def _pca(
    covariance=_covariance,
    order=slice(None, None, -1),
    columns=True,
    mean=lambda x: x.mean(axis=0),
    change=lambda eigenvalues, x: eigenvalues,
):
    """A version of the solution with something changed."""

    def principal_components(x, count):
        eigenvalues, vectors = np.linalg.eigh(covariance(x))
        chosen = vectors[:, order].T if columns else vectors[order]
        return mean(x), chosen[:count], change(eigenvalues[::-1], x)

    return principal_components


def _train_a_linear_autoencoder(f):
    """Return PCA's error with the components of f, the autoencoder's, and the angles between subspaces and axes."""
    rng = np.random.default_rng(0)
    x = (normal(rng, 500, 3) * [3, 2, 1] @ normal(rng, 3, 7) + 0.1 * normal(rng, 500, 7)).astype(np.float32)
    mean, components, _ = f(x.astype(np.float64), COUNT)
    copies = (x - mean) @ components.T @ components + mean
    model = models.Autoencoder(7, COUNT, [], rng)
    optimizer = optim.Adam(model.parameters(), schedules.cosine(0.03, 3000))
    for _ in tqdm(range(3000), desc="a linear autoencoder", unit="step", disable=None):
        training_step(model, optimizer, x, rng)
    error = np.square(model.reconstruct(x) - x).sum(axis=1).mean()
    W = model.decoder.layers[-1].W.data
    angle = models.principal_angles(W, components).max()
    axes = W / np.linalg.norm(W, axis=1, keepdims=True)
    between = np.degrees(np.arccos(abs(axes[0] @ axes[1])))
    return np.square(copies - x).sum(axis=1).mean(), error, angle, between


def against_the_linear_autoencoder(f, folder, others):
    """Train a linear autoencoder on toy data, compare it with the student's PCA, and return lines to show."""
    pca_error, error, angle, between = _train_a_linear_autoencoder(f)
    return [
        "A linear autoencoder, trained for 3,000 steps on 500 examples of 7 numbers:",
        f"  squared error: PCA {pca_error:.4f}, autoencoder {error:.4f}",
        f"  the largest angle between the two subspaces: {angle:.2f}°",
        f"  but the angle between its two axes is {between:.0f}°, and PCA's is 90°",
    ]


def _same_subspace():
    _, _, angle, between = _train_a_linear_autoencoder(models.pca.principal_components)
    return 0 if angle > 5 else (1 if between > 89 else 2)


PCA = ProcedureExercise(
    name="pca",
    title="principal components, and the linear autoencoder",
    solution=models.pca.principal_components,
    text="""\
Which `count` directions keep most of the variance? With the mean m of the examples
x (N, D), the covariance is

    S = 1/N Σ_n (x_n − m) (x_n − m)ᵀ,     (D, D),

and the directions are its eigenvectors with the largest eigenvalues. Return

    mean          (D,)
    components    (count, D), one eigenvector in each row, largest eigenvalue first
    eigenvalues   (D,), all of them, largest first

in float64, also where x is float32: sums of many numbers need the digits, so convert
x first. The sign of an eigenvector is arbitrary, and the check ignores it. (With
fewer examples than dimensions the engine uses a smaller matrix; you need not: N > D
here.) When you have solved this, gradient descent trains a linear autoencoder on the
same data.

Source: Bishop (2006), Pattern recognition and machine learning, section 12.1.2.""",
    prediction=Prediction(
        "Gradient descent trains a linear autoencoder with two hidden units. What does it find, compared with PCA?",
        ["another subspace", "the same subspace, and the principal axes in it", "the same subspace, but other axes"],
        _same_subspace,
        "Every invertible change of the code, undone by the decoder, gives the same reconstructions, so "
        "nothing leads the linear autoencoder to the axes of PCA.",
    ),
    hints=[
        "Centre the data first: x − x.mean(axis=0). Then the covariance is one matrix product.",
        "np.linalg.eigh is for symmetric matrices. Its documentation says in which order the eigenvalues come, "
        "and whether the eigenvectors are rows or columns.",
        "The eigenvalues rise, and the eigenvectors stand in columns, in the same order. So turn the order around (a "
        "slice with the step −1), make rows of the columns, and keep the first ones.",
    ],
    compare=compare,
    after=against_the_linear_autoencoder,
    after_takes="a linear autoencoder takes 3,000 steps on toy data: a few seconds",
    wrong={
        "not centred": Wrong("not centred", function=_pca(covariance=lambda x: x.T @ x / len(x))),
        "N − 1": Wrong(
            "a factor N/(N − 1) too many", function=_pca(change=lambda values, x: values * len(x) / (len(x) - 1))
        ),
        "not divided by N": Wrong("a factor N too many", function=_pca(change=lambda values, x: values * len(x))),
        "rising": Wrong("reversed along axis 0", function=_pca(change=lambda values, x: values[::-1])),
        "the last ones": Wrong("last components", function=_pca(order=slice(None))),
        "rows for columns": Wrong("from the rows of the matrix", function=_pca(columns=False)),
        "standard deviations": Wrong("standard deviations", function=_pca(change=lambda values, x: np.sqrt(values))),
        "components in columns": Wrong("are in the columns", function=lambda x, count: _transposed(x, count)),
        "the mean of everything": Wrong("averaged over axis 0", function=_pca(mean=lambda x: x.mean())),
        "not sorted": Wrong("not those of the largest", function=lambda x, count: _rows_of(x, count, [1, 3, 0])),
        "lengths": Wrong("other lengths than 1", function=lambda x, count: _rows_of(x, count, [0, 1, 2], scale=2.0)),
        "x is centred in place": Wrong("changed this input", function=lambda x, count: _in_place(x, count)),
    },
)


def _transposed(x, count):
    mean, components, eigenvalues = _pca()(x, count)
    return mean, components.T, eigenvalues


def _rows_of(x, count, order, scale=1.0):
    mean, components, eigenvalues = models.pca.principal_components(x, 4)
    return mean, scale * components[order[:count]], eigenvalues


def _in_place(x, count):
    mean, components, eigenvalues = _pca()(x, count)
    x -= mean
    return mean, components, eigenvalues
