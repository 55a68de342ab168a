"""Transform that writes its examples batch by batch."""

from __future__ import annotations

import tfx.components as standard
from tfx.dsl.components.base import executor_spec

from components.transform import executor


class Transform(standard.Transform):
    """The standard component; its executor differs in how it writes (see `executor.Executor`)."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
