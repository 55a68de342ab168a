"""The ledger's files on whatever file system TensorFlow knows: this machine's, or an object store."""

from __future__ import annotations

import os

import tensorflow as tf

from components import folders
from fairgate.gate.files import LOCAL


class TensorFlowFiles:
    """See `fairgate.gate.files.Files`.

    ML Metadata knows the attempts too, by the properties of the Evaluator's artifacts, but Vertex AI and
    Kubeflow Pipelines run no resolver of one's own that could count them there.
    """

    def names(self, folder: str) -> list[str]:
        """The names of what lies in `folder`, sorted; none where it is not there."""
        return [os.path.basename(each) for each in folders.inside(folder)]

    def read(self, file: str) -> str:
        """What `file` holds."""
        with tf.io.gfile.GFile(file) as stream:
            text: str = stream.read()
            return text

    def create(self, file: str, text: str) -> None:
        """Writes `file`, whole or not at all; raises FileExistsError if it is there already."""
        if "://" not in file:
            LOCAL.create(file, text)
            return
        # An object store writes objects whole, but TensorFlow offers no exclusive creation there: the
        # loser of a race finds the winner's words in its place.
        if not tf.io.gfile.exists(file):
            with tf.io.gfile.GFile(file, "w") as stream:
                stream.write(text)
            if self.read(file) == text:
                return
        raise FileExistsError(file)


FILES = TensorFlowFiles()
