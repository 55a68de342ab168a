"""What a Model artifact says of itself beside its files: the names of its custom properties.

The trainer writes them; the gate, and whoever shows a run, read them without knowing the trainer.
"""

from __future__ import annotations

PREDICTED_TO_PASS = "predicted_to_pass"
"""1 or 0: whether the gate is predicted to let it pass; absent where no gate was known."""
BROKEN = "broken_constraint"
"""In words, the constraint of its training that it breaks on the validation split; absent: none."""
NO_SOLUTION = "no_solution"
"""In words, why it is not worth judging; absent where it is."""
NOT_FROM_BLESSED = "not_from_blessed"
"""In words, that the blessed model to start from is gone; absent where it is there, or not asked for."""
VALIDATION = "validation"
"""JSON: how many `examples` the validation split has, and the `error_rate` there."""
