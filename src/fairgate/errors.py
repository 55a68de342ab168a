"""The errors a user of FairGate is expected to read and act on."""


class FairGateError(ValueError):
    """Something the user can mend: a setting, a file, a label, a constraint.

    Its message names the file, the field and the value, says what was expected and what to do.
    The command line shows the message alone, without a stack trace.
    """


class SettingsError(FairGateError):
    """A setting that cannot be accepted."""


class DataError(FairGateError):
    """Data on disk that cannot be used: missing, damaged, or not what the settings say."""


class NoSolution(FairGateError):
    """No model was found that is worth judging: the test data was not asked, and no attempt was spent."""
