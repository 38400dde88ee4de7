"""Principal components: threads in the trackers of mlxtend, fastats, fastText, scikit-learn, devide, ML from scratch
by AssemblyAI; questions on StackOverflow.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("https://github.com/rasbt/mlxtend/issues/476: the eigenvectors, which are columns, are sorted by rows",
         says=[("axis",), ("transposed",), ("moved",), ("moved", "order")],
         exercise="pca")
def pca_that_sorts_rows_of_eigenvectors(x, count):
    x = x.astype(np.float64)
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(x - mean, rowvar=False, bias=True))
    order = np.argsort(values)[::-1]
    values, vectors = values[order], vectors[order]
    return mean, vectors[:, :count].T, values


@mistake("https://github.com/fastats/fastats/pull/21: eigh sorts in ascending order",
         says=[("moved",), ("order",), ("missing term", "[::-1]"), ("moved", "revers")],
         exercise="pca")
def pca_in_ascending_order(x, count):
    x = np.asarray(x, dtype=np.float64)
    mean = x.mean(axis=0)
    c = x - mean
    values, vectors = np.linalg.eigh(c.T @ c / len(c))
    return mean, vectors[:, :count].T, values


@mistake("https://github.com/facebookresearch/fastText/issues/1199: np.linalg.eig does not sort; U[:, :dim] are "
         "any eigenvectors",
         says=[("moved",), ("order",), ("moved", "order"), ("missing term", "sort")],
         exercise="pca")
def pca_with_sorted_values_and_unsorted_vectors(x, count):
    x = x.astype(float)
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eig((x - mean).T @ (x - mean) / len(x))
    order = np.argsort(-values)
    eigv = vectors[:, -count:]
    return mean, eigv.T.copy(), values[order]


@mistake("https://github.com/facebookresearch/fastText/issues/1199: the matrix is divided by N − 1, and the new "
         "examples are not centred",
         says=[("extra factor", "N"), ("constant", "1"), ("extra term", "- 1"), ("extra term", "1")],
         exercise="pca")
def pca_with_unbiased_covariance_from_numpy(x, count):
    x = np.array(x, dtype=np.float64)
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(x.T))
    return mean, vectors.T[::-1][:count], values[::-1]


@mistake("https://github.com/scikit-learn/scikit-learn/issues/7584: the data is not centred before its singular "
         "value decomposition",
         says=[("missing term", "mean"), ("other array", "x"), ("missing term",)],
         exercise="pca")
def pca_by_svd_without_centring(x, count):
    x = x.astype(np.float64)
    mean = x.mean(axis=0)
    _u, s, vt = np.linalg.svd(x, full_matrices=False)
    return mean, vt[:count], s ** 2 / len(x)


@mistake("https://github.com/scikit-learn/scikit-learn/issues/7584: v.T is taken where svd gives the transpose "
         "already",
         says=[("transposed", "vt"), ("transposed",), ("transposed", "v")],
         exercise="pca")
def pca_by_svd_with_the_transpose_undone(x, count):
    x = x.astype(np.float64)
    mean = x.mean(axis=0)
    _u, s, v = np.linalg.svd(x - mean, full_matrices=False)
    components = v.T[:count]
    return mean, components, s ** 2 / len(x)


@mistake("carried over from https://github.com/cpbotha/devide/issues/113: the rows of the matrix of eigenvectors "
         "for its columns, scaled by the roots of the eigenvalues",
         says=[("extra factor", "sqrt"), ("extra factor", "values"), ("extra factor",)],
         exercise="pca")
def pca_with_axes_as_long_as_their_deviation(x, count):
    x = x.astype(np.float64)
    mean = np.mean(x, axis=0)
    values, vectors = np.linalg.eigh((x - mean).T @ (x - mean) / x.shape[0])
    values, vectors = values[::-1], vectors[:, ::-1]
    axes = vectors * np.sqrt(values)
    return mean, axes[:, :count].T, values


@mistake("https://github.com/AssemblyAI-Community/Machine-Learning-From-Scratch/issues/4: what eig returns is "
         "unpacked in the wrong order",
         says=[("order",), ("moved",), ("shape",), ("fault",)],
         exercise="pca")
def pca_with_values_and_vectors_exchanged(x, count):
    x = x.astype(np.float64)
    mean = np.mean(x, axis=0)
    vectors, values = np.linalg.eigh(np.cov(x - mean, rowvar=False, bias=True))
    order = np.argsort(values)[::-1]
    return mean, vectors[:, order].T[:count], values[order]
