"""Libraries that are silent in a notebook, which shows the standard error below its cells."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Loads TensorFlow and what is imported inside without a word; errors are raised as ever.

    TensorFlow's C++ says that there is no GPU before anything can be set in Python: to the file
    descriptor, when it is loaded and when it first looks for devices.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with open(os.devnull, "w") as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            import tensorflow as tf

            tf.get_logger().setLevel("ERROR")
            logging.getLogger("apache_beam").setLevel(logging.ERROR)
            tf.config.list_logical_devices()
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def unseen() -> contextlib.AbstractContextManager[object]:
    """Keeps what is printed and displayed inside out of the notebook; errors are raised as ever.

    A Beam pipeline displays a script that fetches jQuery, for widgets that nobody asked for.
    """
    try:
        from IPython.utils.capture import capture_output
    except ImportError:  # then there is no notebook either
        return contextlib.nullcontext()
    return capture_output()
