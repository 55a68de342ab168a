"""What libraries say while they are loaded and asked, which is nothing that a person can act on."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from fairgate.errors import FairGateError


@contextlib.contextmanager
def hidden() -> Iterator[None]:
    """Keeps standard error back; an exception that is not one of ours brings it out again.

    TensorFlow's C++ writes to the file descriptor itself, so this is what is redirected.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        kept = b""
        try:
            yield
        except (FairGateError, KeyboardInterrupt):
            raise
        except BaseException:
            said.seek(0)
            kept = said.read()
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            os.write(2, kept)
