"""Games between a model and its multipliers.

| formulation | multipliers | for |
|---|---|---|
| `Lagrangian` | lambda_i >= 0, at most a radius in sum | differentiable constraints |
| `PILagrangian` | the same, moved by a PI controller: they do not swing | rates, and all else |
| `ProxyLagrangian` | a distribution over objective and constraints | rates, with their proxies |
| `MultiplierModel` | the output of a model | very many constraints |
"""

from fairgate.optimization.games.formulation import Formulation
from fairgate.optimization.games.lagrangian import Lagrangian
from fairgate.optimization.games.loss import constrained_loss
from fairgate.optimization.games.multiplier_model import MultiplierModel, feature_multipliers
from fairgate.optimization.games.pi_lagrangian import PILagrangian
from fairgate.optimization.games.proxy_lagrangian import ProxyLagrangian

__all__ = [
    "Formulation",
    "Lagrangian",
    "MultiplierModel",
    "PILagrangian",
    "ProxyLagrangian",
    "constrained_loss",
    "feature_multipliers",
]
