"""The figures on the pages: which command measured them, when, on what, and how much they vary.

    make figures                                  # the default run, anew; then the pages
    python -m benchmarks.figures --run RUN        # of a run that is there
    python -m benchmarks.figures --measured docs/suite.md    # after `make suite` has written its tables
    python -m benchmarks.figures --pages          # the pages alone, from measured.json

`measured.json` keeps it; the pages show it between two markers.
"""
