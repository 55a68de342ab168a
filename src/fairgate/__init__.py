"""FairGate: fairness constraints with a promise.

    import fairgate

    judgement = fairgate.judge(
        labels, decisions, groups={"sex": sex}, constraints=["max_gap(FPR, [sex]) <= 0.05"]
    )
    judgement.blessed      # whether it passed, with 95% confidence
    print(judgement)       # why

| package | what it holds | needs |
|---|---|---|
| `fairgate.constraints` | the constraint language, and what a constraint means | NumPy |
| `fairgate.bounds` | one-sided confidence bounds of rates and of any expression of them | SciPy |
| `fairgate.gate` | from counts to a judgement, and what a gate can promise | SciPy |
| `fairgate.monitoring` | whether a served model keeps its promise, record by record | SciPy |
| `fairgate.optimization` | training under constraints | TensorFlow |

What is named here is imported when it is first used, so that `import fairgate` costs nothing.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairgate.api import Ledger as Ledger
    from fairgate.api import judge as judge
    from fairgate.api import power as power
    from fairgate.constraints import parse as parse
    from fairgate.gate.judgement import Judgement as Judgement
    from fairgate.monitoring.monitor import Monitor as Monitor

_EXPORTS = {
    "Judgement": "fairgate.gate.judgement",
    "Ledger": "fairgate.api",
    "Monitor": "fairgate.monitoring.monitor",
    "judge": "fairgate.api",
    "parse": "fairgate.constraints",
    "power": "fairgate.api",
}

__all__ = ["Judgement", "Ledger", "Monitor", "__version__", "judge", "parse", "power"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.metadata.version("fairgate")
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
