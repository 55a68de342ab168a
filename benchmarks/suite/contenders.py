"""Who takes part: which module answers, in which environment, and what it may know when it decides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """A row of the tables.

    Attributes:
        method: a module of `benchmarks.suite.methods`, which may answer for several contenders.
        about: what it is.
        environment: a key of `benchmarks.peers.environments.ENVIRONMENTS`; None: the project's own.
        sees_group: whether a decision needs the person's group.
        setting: the one of the answer's settings that this is; None: the best of them on validation.
    """

    method: str
    about: str
    environment: str | None = None
    sees_group: bool = False
    setting: str | None = None

    @property
    def is_peer(self) -> bool:
        """Whether it is another library's."""
        return self.environment is not None


OURS, BY_GROUP, BASELINE = "ours", "ours-by-group", "baseline"
CONTENDERS = {
    "commonest": Contender(
        "ours", "a yardstick: the commonest answer, to everybody", setting="commonest"
    ),
    BASELINE: Contender(
        "ours", "a yardstick: FairGate's trainer without constraints", setting="baseline"
    ),
    "baseline-by-group": Contender(
        "ours",
        "a yardstick: the baseline with the best thresholds of each group on validation",
        sees_group=True,
        setting="baseline by group",
    ),
    OURS: Contender(
        "ours",
        "FairGate's trainer, network `tabular`, all else at its defaults",
        setting="constrained",
    ),
    BY_GROUP: Contender(
        "ours",
        "the same with `thresholds: per_group`",
        sees_group=True,
        setting="constrained by group",
    ),
    "fairlearn-logistic": Contender(
        "fairlearn_logistic",
        "fairlearn's ExponentiatedGradient on logistic regression",
        "modern",
    ),
    "fairlearn-boosting": Contender(
        "fairlearn_boosting",
        "fairlearn's ExponentiatedGradient on gradient boosting",
        "modern",
    ),
    "cooper": Contender(
        "cooper_nupi", "Cooper with nuPI, on the network that ours trains", "modern"
    ),
    "humancompatible": Contender(
        "humancompatible", "humancompatible-train's ALM, on that network", "modern"
    ),
    "mindiff": Contender(
        "mindiff", "MinDiff (TensorFlow Model Remediation) with MMD, on that network", "mindiff"
    ),
    "tfco": Contender(
        "tfco", "TensorFlow Constrained Optimization, the original, on that network", "original"
    ),
    "fairlearn-thresholds": Contender(
        "fairlearn_thresholds",
        "fairlearn's ThresholdOptimizer on the best of three plain classifiers",
        "modern",
        sees_group=True,
    ),
    "oxonfair": Contender("oxonfair", "OxonFair on the same scores", "thresholds", sees_group=True),
    "error-parity": Contender(
        "error_parity", "error-parity on the same scores", "thresholds", sees_group=True
    ),
}
