"""Who takes part: which module answers, in which environment, and what it may know when it decides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """A row of the tables.

    Attributes:
        method: a module of `benchmarks.suite.methods`, which may answer for several contenders.
        environment: a key of `benchmarks.peers.environments.ENVIRONMENTS`; None: the project's own.
        sees_group: whether a decision needs the person's group.
        setting: the one of the answer's settings that this is; None: the best of them on validation.
        about: what it is, in a sentence.
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


OURS, BASELINE = "ours", "the baseline"
CONTENDERS = {
    "the commonest answer": Contender(
        "ours", "a yardstick: one answer to everybody", setting="commonest"
    ),
    BASELINE: Contender(
        "ours", "a yardstick: FairGate's trainer without constraints", setting="baseline"
    ),
    OURS: Contender(
        "ours",
        "FairGate's trainer, every setting at its default, network `tabular`",
        setting="constrained",
    ),
}
METHODS = tuple(dict.fromkeys(contender.method for contender in CONTENDERS.values()))
