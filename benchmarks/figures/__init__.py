"""The figures on the pages: which command measured them, when, on what, and how much they vary.

    make figures                                  # what takes minutes: runs, and what is of them
    make figures ARGS="--run RUN"                 # the default run's, of a run that is there
    make figures ARGS="--page docs/tour.md"       # what one page tells, done anew
    make figures ARGS="--measured docs/suite.md"  # after `make suite` has written its tables
    make figures ARGS="--pages"                   # the pages alone, from measured.json
    make figures ARGS="--pictures"                # the pictures alone
    make figures ARGS="--notebooks"               # the notebooks' pages alone

`measured.json` keeps it; the pages show it between two markers.
"""
