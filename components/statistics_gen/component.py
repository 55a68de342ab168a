"""StatisticsGen that keeps, beside the statistics, how many examples each group and label has."""

from __future__ import annotations

import tfx.components as standard
from tfx.dsl.components.base import executor_spec

from components.statistics_gen import executor


class StatisticsGen(standard.StatisticsGen):
    """The standard component; its executor writes one more file for each split (see `group_sizes`)."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
