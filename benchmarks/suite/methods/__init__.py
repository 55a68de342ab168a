"""A module for each contender: `python -m benchmarks.suite.methods.NAME` answers questions.

Each runs in the environment that `benchmarks.suite.contenders` names for it, reads the tasks of
`benchmarks.peers.tasks`, and imports nothing else of this project (but for `ours`).
"""
