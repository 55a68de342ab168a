"""Seldonian experiments (`python -m benchmarks.experiments`): what a promise costs, and who keeps it.

    pool.py        every picture of a dataset, as the networks see it
    protocol.py    one trial: who is given which examples, and when a constraint is violated
    plan.py        what an experiment is: constraint, delta, sizes
    methods.py     what is compared
    peer.py, fairlearn_server.py    fairlearn, in its own environment
    records.py     one line for each finished trial: how an experiment goes on
    workers.py     trials in parallel processes
    summary.py, figure.py    tables, CSV, the three curves

Source: Thomas et al., "Preventing undesirable behavior of intelligent machines", Science 366 (2019),
999-1004, and the experiments of the Seldonian toolkit.
"""
