"""What Beam looks up again and again is the same when it is remembered."""

from __future__ import annotations

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    StandardOptions,
    WorkerOptions,
)
from apache_beam.transforms import core, userstate

from pipeline.running import beam_building


class Counting(beam.DoFn):
    """Keeps state, which Beam finds by the defaults of its arguments."""

    STATE = beam.DoFn.StateParam(userstate.CombiningValueStateSpec("seen", sum))

    def process(self, element, seen=STATE):
        seen.add(1)
        yield element[0], seen.read()


def test_views_share_what_is_set_with_their_options_and_with_no_others():
    with beam_building.remembered():
        one, other = PipelineOptions(["--runner=A"]), PipelineOptions(["--runner=B"])
        assert one.view_as(StandardOptions).runner == "A"
        assert other.view_as(StandardOptions).runner == "B"
        one.view_as(StandardOptions).streaming = True
        assert one.view_as(WorkerOptions).view_as(StandardOptions).streaming
        assert one.view_as(DirectOptions) is one.view_as(DirectOptions)
        assert not other.view_as(StandardOptions).streaming
        assert one.get_all_options(drop_default=True) == {"runner": "A", "streaming": True}


def test_options_that_are_made_and_dropped_do_not_take_each_others_place():
    with beam_building.remembered():
        names = [f"runner {number}" for number in range(200)]
        views = [PipelineOptions([f"--runner={name}"]).view_as(StandardOptions) for name in names]
        assert [view.runner for view in views] == names


def test_arguments_are_those_of_each_function_and_nobody_changes_what_is_remembered():
    with beam_building.remembered():
        for _ in range(2):
            names, defaults = core.get_function_args_defaults(Counting().process)
            assert names == ["element", "seen"] and len(defaults) == 1
            names.clear()
            assert core.get_function_args_defaults(lambda x, y=2: x)[0] == ["x", "y"]
        assert userstate.is_stateful_dofn(Counting())
        assert not userstate.is_stateful_dofn(beam.ParDo(len).fn)


def test_a_pipeline_does_what_it_did_and_beam_has_its_own_back(capsys):
    before = PipelineOptions.view_as, core.get_function_args_defaults

    def run() -> list[str]:
        with beam.Pipeline() as pipeline:
            _ = (
                pipeline
                | beam.Create([("a", 1), ("a", 2), ("b", 3)])
                | beam.ParDo(Counting())
                | beam.CombinePerKey(max)
                | beam.Map(print)
            )
        return sorted(capsys.readouterr().out.splitlines())

    with beam_building.remembered():
        remembered = run()
    assert remembered == run() == ["('a', 2)", "('b', 1)"]
    assert before == (PipelineOptions.view_as, core.get_function_args_defaults)
