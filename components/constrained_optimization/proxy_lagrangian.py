"""`games.proxy_lagrangian` under its first name."""

from components.constrained_optimization.games.proxy_lagrangian import (
    ProxyLagrangian,
    RegretType,
    UpdateType,
)

__all__ = ["ProxyLagrangian", "RegretType", "UpdateType"]
