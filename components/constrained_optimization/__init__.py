"""Training under rate constraints: the mathematics, without any pipeline.

The modules, from the words of a constraint to a trained model:

| module | what it holds | needs |
|---|---|---|
| `rates` | the table of rates, groups, counts of outcomes | NumPy |
| `expressions` | rate expressions, constraints, Python operators, evaluation on counts | NumPy |
| `algebra`, `notation` | building expressions in canonical form; their text | NumPy |
| `language` | one line of text -> `Constraint` (by `tokens`, `names`, `parser`) | NumPy |
| `errors` | errors that point at the character, or at the part that cannot be trained on | - |
| `linear` | `Constraint` -> linear pieces that a trainer can follow | NumPy |
| `bounds` | one-sided confidence bounds of any expression (Clopper-Pearson) | SciPy |
| `candidates` | which snapshot to keep | NumPy |
| `losses` | zero-one, hinge and cross-entropy on net costs | TensorFlow |
| `rate_problem` | linear constraints on a minibatch: objective, proxies, true values | TensorFlow |
| `proxy_lagrangian` | the two-player game: multipliers, Lagrangian, dual step | TensorFlow |
| `simplex` | projections and stationary distributions, for the dual player | TensorFlow |

This file imports none of them, so that a settings checker that only parses text never waits for
TensorFlow: import the module that you need by name.

Sources: Cotter, Jiang, Gupta, Wang, Narayan, You and Sridharan, "Optimization with
non-differentiable constraints with applications to fairness, recall, churn, and other goals", JMLR
20 (2019); Cotter, Jiang and Sridharan, "Two-player games for efficient non-convex constrained
optimization", ALT 2019; Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika
26 (1934).
"""
