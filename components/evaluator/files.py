"""The ledger's files on whatever file system TensorFlow knows: this machine's, or an object store."""

from __future__ import annotations

import functools
import os

import tensorflow as tf
from google.api_core import exceptions
from google.cloud import storage

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
        if file.startswith("gs://"):
            _create_object(file, text)
            return
        # TensorFlow has no exclusive creation. What else it knows (ram://) is of this process alone.
        if not tf.io.gfile.exists(file):
            with tf.io.gfile.GFile(file, "w") as stream:
                stream.write(text)
            if self.read(file) == text:
                return
        raise FileExistsError(file)


def _create_object(file: str, text: str) -> None:
    """As `TensorFlowFiles.create`, where the store itself lets one of several writers win."""
    blob = storage.Blob.from_uri(file, client=client())
    try:
        blob.upload_from_string(text, if_generation_match=0)
    except exceptions.PreconditionFailed:
        # Where an answer was lost, the client asked again and met what it had written itself.
        if blob.download_as_text() != text:
            raise FileExistsError(file) from None


@functools.cache
def client() -> storage.Client:
    """Google's own; of no project, for objects need none, and a login alone names none."""
    return storage.Client(project=None)


FILES = TensorFlowFiles()
