"""One program per library: `python -m benchmarks.peers.methods.NAME TASK.npz ANSWER.npz`.

Each runs in its own library's environment, on Python 3.8 or newer, with NumPy and that library.
"""
