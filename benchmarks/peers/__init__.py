"""Other libraries on the same task, each in an environment of its own (`python -m benchmarks.peers`)."""
