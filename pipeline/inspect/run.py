"""A run that has ended: on this machine, or as a cluster left it."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import tensorflow as tf

from components import folders
from components.report import page
from components.report.data import ReportData
from fairgate.errors import DataError
from fairgate.gate import words
from fairgate.gate.judgement import MODELS
from pipeline.inspect.judged import Judged
from pipeline.inspect.metadata import Metadata
from pipeline.inspect.shown import Element, Table
from pipeline.results import report as reports
from pipeline.results import runs

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
_DATA_FILE = "report.json"
_DEPTH = 6  # folders between a pipeline root and a report in it, on any platform


class Run(Judged):
    """One run, with its artifacts and their lineage.

    Args:
      data: what its report shows.
      folder: of the run; None for one of a cluster.
      metadata: what ML Metadata knows of it; None for one of a cluster.
      place: where it was found.
    """

    def __init__(
        self,
        data: ReportData,
        folder: pathlib.Path | None,
        metadata: Metadata | None,
        place: str,
    ):
        super().__init__(data)
        self.folder = folder
        self.metadata = metadata
        self.place = place

    def _repr_html_(self) -> str:
        return self.banner()._repr_html_()

    def steps(self) -> Table:
        """Time and memory of each step."""
        names = {"name": "step", "outcome": "result", "peak_memory_gb": "peak memory, GB"}
        table = Table(self.data.steps, columns=["name", "outcome", "seconds", "peak_memory_gb"])
        return table.rename(columns=names).captioned("Time per step")

    def lineage(self) -> Table:
        """What each step read and made; of a cluster's run, the folders of its steps."""
        return self.metadata.steps() if self.metadata else _folders_beside(self.place)

    def artifacts(self) -> Table:
        """Type, properties and place of each artifact; of a cluster's run, the folders of its steps."""
        return self.metadata.artifacts() if self.metadata else _folders_beside(self.place)

    def made_of(self, node: str = "Pusher", key: str = "pushed_model") -> Table:
        """The artifacts that an output was made of, back to the data."""
        return self.metadata.ancestors(node, key) if self.metadata else _folders_beside(self.place)

    def versions(self) -> Table:
        """Digests of data, settings and code, and the libraries."""
        rows = [{"what": name, "version": version} for name, version in self.data.versions.items()]
        return Table(rows).captioned("Digests (SHA-256, first 16 digits) and versions")

    def evaluation(self, model: str) -> Any:
        """The model's `tfma.EvalResult`, read by TFMA.

        Raises:
          LookupError: the run was opened from a cluster's files, without ML Metadata; or its test
            split is sealed.
        """
        import tensorflow_model_analysis as tfma

        if words.is_sealed(self.verdict):
            raise LookupError(words.sealed(self.verdict))
        if self.metadata is None:
            raise LookupError(
                "tfma.load_eval_result wants the Evaluator's folder; see run.artifacts()"
            )
        return tfma.load_eval_result(self.metadata.uri("Evaluator", "evaluation"), model_name=model)

    def evaluated(self, *metrics: str) -> Table:
        """Metrics of every slice as TFMA reads them: a row for each, a column for each model.

        Of a cluster's run, as its report keeps them; none of a run whose test split is sealed.

        Args:
          metrics: ends of their names; none: all that are numbers.
        """
        if self.metadata is None or words.is_sealed(self.verdict):
            return self.metrics(*metrics)
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for model in MODELS:
            for key, outputs in self.evaluation(model).slicing_metrics:
                shown = ", ".join(f"{feature}:{value}" for feature, value in key) or "Overall"
                for name, value in outputs[""][""].items():
                    if "doubleValue" in value and (not metrics or name.endswith(metrics)):
                        rows.setdefault((name, shown), {})[model] = float(value["doubleValue"])
        return Table(
            [{"metric": name, "slice": shown, **rows[name, shown]} for name, shown in sorted(rows)]
        )

    def facets(self, split: str = "train") -> Element:
        """Statistics of every column, everybody and each group, in Facets Overview."""
        title = f"Facets Overview of the {split} split"
        shown = self.data.facets.get(split)
        return Element(title, page.element("facets", title, shown) if shown else "", height=700)


def open_run(name: str = "", root: str | os.PathLike[str] = "runs") -> Run:
    """Opens a run that has ended with a verdict.

    Args:
      name: as `pipeline.results.runs.find` has it: a pipeline's name, for its newest run, a run's id or
        folder; or the pipeline root of a cluster, local or gs://, or a folder in it, for the newest run
        below. Empty: the newest run with a verdict.
      root: folder of runs, from here or from the repository.

    Raises:
      NoSuchRun: there is none, in words.
      DataError: it has no verdict.
    """
    place = None if "://" in name else _existing(name) if name else None
    above = None if place is None else _runs_above(place)
    if "://" in name or (place is not None and above is None):
        return _newest_below(str(place or name))
    home = _existing(root) or pathlib.Path(root)
    if above is not None and place is not None:
        home, name = above, "" if place.resolve() == above else place.resolve().name
    if not name:
        return _open(next(_judged(home), None) or runs.find(home))
    return _open(runs.find(home, name))


def _runs_above(place: pathlib.Path) -> pathlib.Path | None:
    """The folder for runs that `place` is, or is a pipeline's or a run's folder in; None: it is none."""
    whole = place.resolve()
    for below, above in (("", whole.parent.parent), ("*/", whole.parent), ("*/*/", whole)):
        if next(whole.glob(f"{below}{runs.SETTINGS_FILE}"), None):
            return above
    return None


def newest_blocked(root: str | os.PathLike[str] = "runs") -> Run | None:
    """The newest run that the gate blocked; None where there is none."""
    home = _existing(root)
    found = (run for run in _judged(home) if run.state == "blocked") if home else iter(())
    blocked = next(found, None)
    return _open(blocked) if blocked else None


def _judged(home: pathlib.Path) -> Iterator[runs.Run]:
    """The runs in which the gate judged a model, newest first."""
    return (run for run in runs.every(home) if run.verdict is not None and run.verdict.was_asked)


def _existing(name: str | os.PathLike[str]) -> pathlib.Path | None:
    """`name` as a folder from here, or from the repository; None if there is none."""
    return next((p for p in (pathlib.Path(name), REPOSITORY / name) if p.is_dir()), None)


def _open(run: runs.Run) -> Run:
    if run.verdict is None:
        why = f": {run.failure}" if run.failure else ""
        raise DataError(f"{run.folder}: no verdict to inspect, its state is '{run.state}'{why}")
    if not run.verdict.was_asked:
        raise DataError(
            f"{run.folder}: no solution was found, and the gate judged no model: there is nothing to "
            f"inspect. {runs.REPORT_FILE} in it says what was tried"
        )
    run = runs.Run(run.folder.resolve())
    metadata = Metadata(
        run.folder.parent / "metadata.sqlite", run.verdict.pipeline, run.verdict.run_id
    )
    made = _read(os.path.join(metadata.uri("Report", "report"), _DATA_FILE))
    data = reports.completed(made, run.folder, asdict(run.verdict), run.steps)
    return Run(data, run.folder, metadata, str(run.folder))


def _newest_below(root: str) -> Run:
    """The newest run of whatever platform wrote into `root`: told by its report's data."""
    found: list[str] = []
    for depth in range(_DEPTH):
        found += folders.matching(root, "*/" * depth + _DATA_FILE)
    if not found:
        raise runs.NoSuchRun(f"{root}: no {_DATA_FILE} below; the component Report writes it")
    newest = max(found, key=lambda file: tf.io.gfile.stat(file).mtime_nsec)
    return Run(_read(newest), None, None, newest)


def _read(file: str) -> ReportData:
    with tf.io.gfile.GFile(file) as opened:
        return ReportData.from_json(opened.read())


def _folders_beside(report: str) -> Table:
    """Step, output and place of everything that lies as the report's file does: <step>/<output>."""
    run = os.path.dirname(os.path.dirname(os.path.dirname(report)))
    rows = [
        {"step": os.path.basename(os.path.dirname(uri)), "made": os.path.basename(uri), "uri": uri}
        for uri in folders.matching(run, "*/*")
    ]
    return Table(rows).captioned("What lies beside the report; the platform keeps the lineage")
