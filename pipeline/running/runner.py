"""LocalDagRunner, one node at a time, so that each can be shown and timed."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator
from dataclasses import replace

import ml_metadata as mlmd
from absl import logging as absl_logging
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2
from tfx.types import artifact_utils, standard_artifacts

from components import group_sizes, unit_sizes
from components.evaluator.files import FILES
from components.evaluator.questions import adopt_former, test_records
from components.evaluator.stamp import read_attempt
from components.example_gen.splits import WARNINGS
from components.model_properties import BROKEN, NO_SOLUTION, NOT_FROM_BLESSED, PREDICTED_TO_PASS
from components.pusher.executor import TOLD, WAS_THERE
from fairgate.constraints.rates import Counts
from fairgate.constraints.units import UnitCounts
from fairgate.errors import NoSolution
from fairgate.gate import advice, attempts, checks, judgement, ledger, requirements
from fairgate.gate.prediction import Sizes
from fairgate.records import Records
from pipeline.dag import (
    BASELINE,
    CONSTRAINED,
    RESOLVER,
    create_pipeline,
    ledger_folder,
    metadata_path,
)
from pipeline.results.outcomes import Outcome, Transformed, Unsolved
from pipeline.running import (
    beam_building,
    beside,
    counted,
    elsewhere,
    memory,
    metadata_file,
    terminal,
)
from pipeline.running.contents import Contents
from pipeline.running.terminal import Display, Note
from pipeline.settings import Settings

_OUTPUT = metadata_store_pb2.Event.OUTPUT
EXAMPLE_GEN = "ImportExampleGen"
PUSHER = "Pusher"
REPORT = "Report"
STATISTICS = "StatisticsGen"
VALIDATOR = "ExampleValidator"
TRANSFORM = "Transform"
# What these name was made by others, or has gone to where it is served.
_NO_RESULTS = (PUSHER, RESOLVER)


def run(settings: Settings, run_id: str, display: Display) -> Outcome | Unsolved:
    """Runs every node of the pipeline in order; raises what the failing node raised.

    Where it is known that no model can pass, or none is worth asking the test split about, the nodes that
    are left have nothing to do.
    """
    with _hands(settings) as hands, _created(settings) as (pipeline, store):
        if why := _run_nodes(pipeline, store, settings, run_id, display, hands):
            absl_logging.warning("%s", why)
            return _unsolved(store, settings.name, run_id, why)
        return _outcome(store, settings, run_id)


def transform(settings: Settings, run_id: str, display: Display) -> Transformed:
    """Runs the nodes up to Transform, as `run` does."""
    with _hands(settings) as hands, _created(settings) as (pipeline, store):
        _run_nodes(pipeline, store, settings, run_id, display, hands, until=TRANSFORM)
    examples = standard_artifacts.Examples()
    examples.set_mlmd_artifact(
        _output(store, settings.name, run_id, TRANSFORM, "transformed_examples")
    )
    graph = _output(store, settings.name, run_id, TRANSFORM, "transform_graph")
    statistics = _output(store, settings.name, run_id, STATISTICS, "statistics")
    return Transformed(examples, graph.uri, statistics.uri)


def _hands(settings: Settings) -> contextlib.AbstractContextManager[beside.Hands | None]:
    """For Transform, beside what looks at the same examples."""
    return beside.hands(
        settings.beside, lambda ir: _carry_out(pipeline_pb2.Pipeline.FromString(ir))
    )


def _finished(hands: beside.Hands, display: Display) -> bool:
    """Whether they have carried out the step that is shown now, part of it beside those before."""
    display.time("beside other steps", hands.busy_for)
    return hands.finish()


def _carry_out(ir: pipeline_pb2.Pipeline) -> None:
    with beam_building.remembered():
        LocalDagRunner().run_with_ir(ir)


@contextlib.contextmanager
def _created(settings: Settings) -> Iterator[tuple[Pipeline, mlmd.MetadataStore]]:
    """The pipeline, and the store that has its results; what the store raises inside is a sentence."""
    pipeline = create_pipeline(elsewhere.with_schema_here(settings))
    file = pathlib.Path(metadata_path(settings))
    store = metadata_file.opened(pipeline.metadata_connection_config, file.parent / "artifacts")
    with metadata_file.speaking(file):
        yield pipeline, store


def _run_nodes(
    pipeline: Pipeline,
    store: mlmd.MetadataStore,
    settings: Settings,
    run_id: str,
    display: Display,
    hands: beside.Hands | None,
    until: str | None = None,
) -> str:
    """Runs the nodes in order, `until` the last if it is given; `store` has their results.

    Where there are `hands`, they run Transform from StatisticsGen on, which needs as little of it as
    ExampleValidator does. An anomaly ends the run, and with it what they were at.

    Returns why the gate asks nothing, where it is known that no model can pass; else "".
    """
    absl_logging.set_verbosity(absl_logging.INFO)
    ir = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(
        ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
    )
    contents = Contents(pathlib.Path(settings.runs, settings.name))
    pages = _Pages(store, settings, run_id)
    for node in ir.nodes:
        name = node.pipeline_node.node_info.id
        with display.step(name) as step:
            # What is served is not in the metadata: Pusher looks, and does nothing where all is well.
            cache = name != PUSHER
            begun = [TRANSFORM] if hands and name == STATISTICS else []
            for each in (name, *begun):
                for sentence in contents.set_aside_damaged(_results(store, settings.name, each)):
                    display.note(sentence, warns=True)
            if hands and begun:
                hands.begin(_only(ir, TRANSFORM, cache).SerializeToString())
            try:
                if not (hands and name == TRANSFORM and _finished(hands, display)):
                    if hands and hands.are_busy:
                        display.report(0, 0, f"{TRANSFORM} runs beside it")
                    _carry_out(_only(ir, name, cache))
            except NoSolution as found:
                step.outcome = terminal.NOT_ASKED
                return str(found)
            done = _execution(store, settings.name, run_id, name)
            if done.last_known_state == metadata_store_pb2.Execution.CACHED:
                step.outcome = "reused"
            elif name == PUSHER:
                pushed = _output(store, settings.name, run_id, name, "pushed_model")
                if pushed.custom_properties[WAS_THERE].int_value:
                    step.outcome = "reused"
            elif name not in _NO_RESULTS:
                contents.keep(_results(store, settings.name, name, done.id))
            if step.outcome != "reused":
                memory.release()
            try:
                notes = _notes(store, settings, run_id, name, pages) if until is None else []
            except NoSolution as found:
                return str(found)
            for note in notes:
                display.note(note.text, note.warns)
        if name == until:
            break
    return ""


def _notes(
    store: mlmd.MetadataStore, settings: Settings, run_id: str, node: str, pages: _Pages
) -> list[Note]:
    """What a person should know once `node` is done, before the gate is asked."""
    if node == EXAMPLE_GEN:
        page = pages.read()
        refusal = attempts.warning(
            page.entries, settings.gate.confidence, settings.gate.attempts, page.end
        )
        said = (ledger.unheld(ledger_folder(settings), FILES), refusal)
        return [Note(sentence, warns=True) for sentence in said if sentence is not None]
    # Once the data are known to be in order, and not as soon as they are counted.
    if node == VALIDATOR:
        features = settings.data.features
        statistics = _output(store, settings.name, run_id, STATISTICS, "statistics")
        sizes = group_sizes.read(statistics.uri, "test", features)
        _require_enough(settings, sizes)
        # An attempt more costs each its share: what the ledger will give is what counts.
        page = pages.read()
        confidence = attempts.next_confidence(
            page.entries, settings.gate.confidence, settings.gate.attempts, page.end
        )
        supposed: Sizes | UnitCounts = sizes
        if features.unit is not None or features.weight is not None:
            # What test examples weigh may tell something of what goes wrong there: as on validation.
            read = [_examples(store, settings.name, run_id)]
            split = "test" if features.weight is None else "validation"
            folder = artifact_utils.get_split_uri(read, split)
            supposed = unit_sizes.read(folder, features, settings.gate.units)
            supposed = supposed.repeated(sizes[None].examples / supposed.rows[None].examples)
        sentences = advice.before_training(settings.gate, features.vocabulary, supposed, confidence)
        return [Note(sentence, advice.is_warning(sentence)) for sentence in sentences]
    if node == CONSTRAINED:
        known = _output(store, settings.name, run_id, node, "model").custom_properties
        notes = [
            Note(known[sentence].string_value, warns=True)
            for sentence in (NOT_FROM_BLESSED, BROKEN)
            if sentence in known
        ]
        if PREDICTED_TO_PASS in known and not known[PREDICTED_TO_PASS].int_value:
            nearest = "No snapshot is predicted to pass the gate; the nearest one goes on."
            notes.append(Note(nearest, warns=True))
        return notes
    if node == PUSHER and (
        told := _told(_output(store, settings.name, run_id, node, "pushed_model"))
    ):
        return [Note(told, warns=True)]
    return []


class _Pages:
    """What was judged on a run's test split so far; its records are read once."""

    def __init__(self, store: mlmd.MetadataStore, settings: Settings, run_id: str) -> None:
        self._of = store, settings.name, run_id
        self._file = metadata_path(settings)
        self._root = ledger_folder(settings)
        self._records: Records | None = None

    def read(self) -> ledger.Page:
        """The page as it is now; once ImportExampleGen has run."""
        adopt_former(self._root)
        if self._records is None:
            self._records = test_records(_examples(*self._of))
        page = ledger.read(self._root, self._records, FILES)
        counted.require_known(self._of[0], self._file, self._root, page, self._records)
        return page


def _require_enough(settings: Settings, sizes: Sizes) -> None:
    """Raises NoSolution where the test split's numbers of examples alone let no model pass."""
    counts = {group: Counts(of.positives, 0, of.negatives, 0) for group, of in sizes.items()}
    groups = settings.data.features.group_names
    named = settings.data.features.vocabulary
    asked = [check.constraint for check in checks.checks(settings.gate, named)]
    found = requirements.enough_examples(settings.gate.minimum_negatives, asked, groups, counts)
    if missing := [row.reason for row in found if not row.passed]:
        raise NoSolution(
            f"Whatever is trained, it cannot pass: {'; '.join(missing)}. No attempt was spent"
        )


def _results(
    store: mlmd.MetadataStore, pipeline: str, node: str, execution: int | None = None
) -> list[str]:
    """Folders that `node` has made so far, or that one execution of it has."""
    context = store.get_context_by_type_and_name("node", f"{pipeline}.{node}")
    if context is None or node in _NO_RESULTS:
        return []
    finished = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
    all_made = store.get_executions_by_context(context.id)
    made = [
        each.id
        for each in all_made
        if each.last_known_state in finished and execution in (None, each.id)
    ]
    outputs = [e.artifact_id for e in store.get_events_by_execution_ids(made) if e.type == _OUTPUT]
    return (
        sorted({artifact.uri for artifact in store.get_artifacts_by_id(outputs)}) if outputs else []
    )


def _only(ir: pipeline_pb2.Pipeline, name: str, cache: bool) -> pipeline_pb2.Pipeline:
    """The compiled pipeline with every node but `name` marked to be skipped.

    Without `cache` the node runs even when an equal execution could be re-used.
    """
    alone = pipeline_pb2.Pipeline()
    alone.CopyFrom(ir)
    for node in alone.nodes:
        if node.pipeline_node.node_info.id != name:
            node.pipeline_node.execution_options.skip.SetInParent()
        elif not cache:
            node.pipeline_node.execution_options.caching_options.enable_cache = False
    return alone


def _destination(pushed: metadata_store_pb2.Artifact) -> str | None:
    """The folder that a PushedModel was pushed to; None if it was not."""
    properties = pushed.custom_properties
    was_pushed = properties["pushed"].int_value == 1
    return properties["pushed_destination"].string_value if was_pushed else None


def _told(pushed: metadata_store_pb2.Artifact) -> str:
    """What Pusher says of a PushedModel; empty where there is nothing to say."""
    properties = pushed.custom_properties
    return str(properties[TOLD].string_value) if TOLD in properties else ""


def _outcome(store: mlmd.MetadataStore, settings: Settings, run_id: str) -> Outcome:
    pipeline = settings.name
    evaluation = _output(store, pipeline, run_id, "Evaluator", "evaluation")
    blessing = _output(store, pipeline, run_id, "Evaluator", "blessing")
    judged = standard_artifacts.ModelBlessing()
    judged.set_mlmd_artifact(blessing)
    examples = _examples(store, pipeline, run_id)
    pushed = _output(store, pipeline, run_id, PUSHER, "pushed_model")
    attempt = read_attempt(judged)
    if ledger.is_open(ledger_folder(settings), attempt, FILES):  # perhaps since it was judged
        attempt = replace(attempt, sealed=False)
    return Outcome(
        evaluation=evaluation.uri,
        blessed=blessing.custom_properties["blessed"].int_value == 1,
        pushed_model=_destination(pushed),
        not_served="" if _destination(pushed) else _told(pushed),
        attempt=attempt,
        warnings=examples.get_string_custom_property(WARNINGS).splitlines(),
        report=_output(store, pipeline, run_id, REPORT, "report").uri,
        training=_output(store, pipeline, run_id, CONSTRAINED, "model_run").uri,
    )


def _unsolved(store: mlmd.MetadataStore, pipeline: str, run_id: str, why: str) -> Unsolved:
    nodes = {judgement.BASELINE: BASELINE, judgement.CONSTRAINED: CONSTRAINED}
    trained = [model for model in nodes if _has_run(store, pipeline, run_id, nodes[model])]
    if judgement.CONSTRAINED in trained:
        model = _output(store, pipeline, run_id, CONSTRAINED, "model")
        why = "" if NO_SOLUTION in model.custom_properties else why
    return Unsolved(
        why=why,
        trainings={
            model: _output(store, pipeline, run_id, nodes[model], "model_run").uri
            for model in trained
        },
        statistics=_output(store, pipeline, run_id, STATISTICS, "statistics").uri,
        examples=_examples(store, pipeline, run_id),
    )


def _has_run(store: mlmd.MetadataStore, pipeline: str, run_id: str, node: str) -> bool:
    return bool(_executions(store, pipeline, run_id, node))


def _examples(store: mlmd.MetadataStore, pipeline: str, run_id: str) -> types.Artifact:
    examples = standard_artifacts.Examples()
    examples.set_mlmd_artifact(_output(store, pipeline, run_id, EXAMPLE_GEN, "examples"))
    return examples


def _execution(
    store: mlmd.MetadataStore, pipeline: str, run_id: str, node: str
) -> metadata_store_pb2.Execution:
    """The newest execution of `node` in this run."""
    found = _executions(store, pipeline, run_id, node)
    return max(found, key=lambda execution: execution.id)


def _executions(
    store: mlmd.MetadataStore, pipeline: str, run_id: str, node: str
) -> list[metadata_store_pb2.Execution]:
    run = store.get_context_by_type_and_name("pipeline_run", run_id)
    context = store.get_context_by_type_and_name("node", f"{pipeline}.{node}")
    if run is None or context is None:
        return []
    of_node = {execution.id for execution in store.get_executions_by_context(context.id)}
    return [e for e in store.get_executions_by_context(run.id) if e.id in of_node]


def _output(
    store: mlmd.MetadataStore, pipeline: str, run_id: str, node: str, key: str
) -> metadata_store_pb2.Artifact:
    return _output_of(store, _execution(store, pipeline, run_id, node).id, key)


def _output_of(
    store: mlmd.MetadataStore, execution_id: int, key: str
) -> metadata_store_pb2.Artifact:
    ids = [
        event.artifact_id
        for event in store.get_events_by_execution_ids([execution_id])
        if event.type == _OUTPUT and event.path.steps[0].key == key
    ]
    [artifact] = store.get_artifacts_by_id(ids)
    return artifact
