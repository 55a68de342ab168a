"""ExampleValidator that stops the run when the data does not fit its schema."""

from __future__ import annotations

from tfx.components import ExampleValidator as StandardExampleValidator
from tfx.dsl.components.base import executor_spec

from components.example_validator import executor


class ExampleValidator(StandardExampleValidator):
    """The standard component; anomalies are an error instead of a note."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)
