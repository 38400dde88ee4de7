"""Principal components: threads in the trackers of mlxtend, fastats, fastText, scikit-learn, devide, ML from scratch
by AssemblyAI; questions on StackOverflow.
"""

import numpy as np

from tests.diagnosis.mistakes import mistake


@mistake("http://stackoverflow.com/questions/71816829/eigenvectors-and-samples-to-calculate-the-points-on-pca-scale: "
         "the mean of each row (axis=1) is subtracted",
         says=[("axis", "axis=1"), ("axis",)],
         exercise="pca")
def pca_centred_along_the_wrong_axis(x, count):
    x = x.astype(np.float64)
    mean = x.mean(axis=0)
    centred = x - x.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(x))
    return mean, vectors[:, ::-1].T[:count], values[::-1]


@mistake("http://stackoverflow.com/questions/71816829/eigenvectors-and-samples-to-calculate-the-points-on-pca-scale: "
         "divided by the standard deviation",
         says=[("extra factor", "std"), ("extra factor",)],
         exercise="pca")
def pca_of_standardized_data(x, count):
    x = x.astype(np.float64)
    mean = x.mean(axis=0)
    z = (x - mean) / np.std(x)
    values, vectors = np.linalg.eigh(z.T @ z / len(z))
    return mean, np.flip(vectors, axis=1).T[:count], np.flip(values)
