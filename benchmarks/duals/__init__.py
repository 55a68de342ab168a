"""Ways to move multipliers, on convex problems with known primal and dual solutions: docs/duals.md."""
