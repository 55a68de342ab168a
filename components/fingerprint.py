"""A hash of the code that a component's result depends on.

TFX re-uses an execution when inputs and parameters are unchanged; it does not look at the source.
Putting this hash into a component's parameters makes a change of code a change of parameters, so a
result made by older code is never taken for a new one.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import pathlib


@functools.cache
def code_fingerprint(*modules: str) -> str:
    """Hex digest over the Python sources of `modules` (packages recursively).

    Args:
      *modules: dotted names of modules or packages that can be imported.

    Returns:
      16 hex digits; equal for equal sources, whatever the folder they are installed in.

    Raises:
      ImportError: a module is not found.
    """
    digest = hashlib.sha256()
    for name in sorted(modules):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ImportError(f"no source for {name!r}: it cannot be part of a fingerprint")
        origin = pathlib.Path(spec.origin)
        package = origin.name == "__init__.py"
        files = sorted(origin.parent.rglob("*.py")) if package else [origin]
        for file in files:
            digest.update(f"{name}:{file.relative_to(origin.parent)}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
