"""Runs in fairlearn's environment: answers questions, as `benchmarks.peers.serving` does."""

from __future__ import annotations

import warnings

import fairlearn.reductions
import numpy as np
from fairlearn.reductions import ExponentiatedGradient
from sklearn.linear_model import LogisticRegression

from benchmarks.peers.serving import serve

# Where there are fewer examples than features, scikit-learn's 1.0 separates them, the mixture never
# settles, and a fit takes 250 regressions instead of 40.
REGULARIZATION = 0.1


def answer(question: dict[str, np.ndarray]) -> np.ndarray:
    """(number of bounds, m) probability of saying Yes, of its randomized classifiers."""
    moment = getattr(fairlearn.reductions, str(question["moment"]))
    x = question["x"].astype("float64")
    center, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    x, asked = (x - center) / scale, (question["asked"] - center) / scale
    found = []
    for bound in question["bounds"]:
        model = ExponentiatedGradient(
            LogisticRegression(C=REGULARIZATION, solver="liblinear"),
            moment(difference_bound=float(bound)),
        )
        model.fit(x, question["y"], sensitive_features=question["groups"])
        found.append(model._pmf_predict(asked)[:, 1])
    return np.stack(found)


def reply(question: str, path: str) -> None:
    """Reads the arrays of a question, and writes the answer."""
    with np.load(question) as arrays:
        np.save(path, answer(dict(arrays)))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(reply)
