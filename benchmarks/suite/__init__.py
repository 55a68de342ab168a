"""FairGate's trainer and other libraries on many tasks, judged by one gate (`make suite`)."""
