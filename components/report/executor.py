"""Executor of Report: artifacts in, pages out."""

from __future__ import annotations

import importlib
import os
from dataclasses import replace
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.features import Features
from components.report import card_formats, gathering, inputs, page
from components.report.data import ReportData
from fairgate.gate.judgement import BASELINE, CONSTRAINED

DATA_FILE, PAGE_FILE = "report.json", "report.html"


class Executor(base_executor.BaseExecutor):
    """Thin: gathers, renders, writes."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `component.Report`."""
        features = Features.model_validate_json(exec_properties["features"])
        [examples] = input_dict["examples"]
        uri = {key: artifact_utils.get_single_uri(found) for key, found in input_dict.items()}
        splits = artifact_utils.decode_split_names(examples.split_names)
        folders = {name: artifact_utils.get_split_uri([examples], name) for name in splits}
        run_id = (self._context and self._context.pipeline_run_id) or "unnamed"
        settings = exec_properties["settings"]
        verdict, indicators, scores = gathering.figures(
            _function(exec_properties["verdict"])(settings, run_id, input_dict),
            settings,
            uri["evaluation"],
            folders,
            {
                BASELINE: path_utils.serving_model_path(uri["baseline_model"]),
                CONSTRAINED: path_utils.serving_model_path(uri["model"]),
            },
            features,
        )
        of_inputs, apart = inputs.gather(uri["statistics"], folders, features)
        data = replace(
            gathering.trained(
                verdict,
                settings,
                features,
                exec_properties["card"],
                {BASELINE: uri["baseline_run"], CONSTRAINED: uri["model_run"]},
                uri["statistics"],
                folders,
            ),
            indicators=indicators,
            scores=scores,
            inputs=of_inputs,
            apart=apart,
        )
        write(artifact_utils.get_single_uri(output_dict["report"]), data)


def _function(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def write(folder: str, data: ReportData) -> None:
    """Writes report.json and the pages into `folder`."""
    files = {DATA_FILE: data.to_json(), PAGE_FILE: page.render(data)} | card_formats.files(data)
    tf.io.gfile.makedirs(folder)
    for name, text in files.items():
        with tf.io.gfile.GFile(os.path.join(folder, name), "w") as file:
            file.write(text)
