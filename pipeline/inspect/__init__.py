"""What the notebooks are made of: a run opened, a dataset looked at, models judged.

    from pipeline import inspect

    run = inspect.open_run()      # the newest; or a folder, an id, a pipeline's name, a cluster's root
    run.banner(); run.gate(); run.group_charts(); run.indicators(); run.lineage()

Tables are DataFrames; everything else is HTML that fetches nothing. All numbers come from the run's
artifacts, by the code that makes the report.
"""

from pipeline.inspect.quiet import quietly

with quietly():
    from pipeline.inspect.chances import Measurements, many_test_splits
    from pipeline.inspect.doing import changed, compare, draw_frontier, run_again, run_pipeline
    from pipeline.inspect.examples import Examples, load_examples
    from pipeline.inspect.judged import Judged
    from pipeline.inspect.run import Run, newest_blocked, open_run
    from pipeline.inspect.trained import judge, training_charts

__all__ = [
    "Examples",
    "Judged",
    "Measurements",
    "Run",
    "changed",
    "compare",
    "draw_frontier",
    "judge",
    "load_examples",
    "many_test_splits",
    "newest_blocked",
    "open_run",
    "run_again",
    "run_pipeline",
    "training_charts",
]
