"""ImportSchemaGen that reads the schema again when the file has changed.

TFX knows a result again by the path of the file; who corrects the contract would be held to the old one.
"""

from __future__ import annotations

import hashlib
import os
from typing import ClassVar

from tfx import types
from tfx.components.schema_gen.import_schema_gen import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ExecutionParameter


class ImportSchemaGenSpec(standard_component_specs.ImportSchemaGenSpec):
    """The standard interface, and a digest of what the file holds."""

    PARAMETERS: ClassVar = {
        **standard_component_specs.ImportSchemaGenSpec.PARAMETERS,
        "digest": ExecutionParameter(type=str),
    }


class ImportSchemaGen(base_component.BaseComponent):
    """Copies `schema_file` into the output `schema`, by the standard executor."""

    SPEC_CLASS = ImportSchemaGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, schema_file: str):
        """Args:
        schema_file: a TFMD Schema as text, local or gs://.
        """
        super().__init__(
            ImportSchemaGenSpec(
                schema_file=schema_file,
                digest=_digest(schema_file),
                schema=types.Channel(type=standard_artifacts.Schema),
            )
        )


def _digest(file: str) -> str:
    """Of the contents; empty where there is no such file, which the executor says when it runs.

    Empty for a bucket's, too: who compiles a pipeline for a cluster may have no way to it.
    """
    if "://" in file or not os.path.isfile(file):
        return ""
    with open(file, "rb") as opened:
        return hashlib.sha256(opened.read()).hexdigest()[:16]
