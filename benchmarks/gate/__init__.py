"""How often the gate passes what it must not, and what it passes; see `python -m benchmarks.gate`."""
