"""What a search may spend."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fairgate.errors import SettingsError


@dataclass(frozen=True)
class Budget:
    """How much a search may spend in all, however often it was stopped; what is used up first ends it.

    Attributes:
      trials: how many; None: as many as there is time for.
      seconds: of all trials together; None: as long as they take.

    Raises:
      SettingsError: neither is given, or one of them allows nothing.
    """

    trials: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.trials is None and self.seconds is None:
            raise SettingsError(
                "a search needs a budget: give --trials NUMBER, --seconds NUMBER, or both"
            )
        if self.trials is not None and self.trials < 1:
            raise SettingsError(f"--trials {self.trials}: expected a whole number of at least 1")
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise SettingsError(f"--seconds {self.seconds:g}: expected a number above 0")

    def allows_another(self, trials: int, seconds: float) -> bool:
        """Whether one more trial fits; the first always does.

        A trial is not begun if it would not end in time, were it as long as those before it.

        Args:
          trials: that have ended.
          seconds: that they took.
        """
        if self.trials is not None and trials >= self.trials:
            return False
        return self.seconds is None or not trials or seconds * (1 + 1 / trials) <= self.seconds

    def spent(self, trials: float, seconds: float) -> float:
        """The share that is used up, in [0, 1]."""
        of_trials = trials / self.trials if self.trials is not None else 0.0
        of_seconds = seconds / self.seconds if self.seconds is not None else 0.0
        return min(1.0, max(of_trials, of_seconds))
