"""Two exports of one model are one model; a changed one is another."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from components.evaluator.digests import files_digest, model_digest


class Scaled(tf.Module):
    """x -> weight * x + shift."""

    def __init__(self, weight: float, shift: float, asset: str | None = None):
        super().__init__()
        self.weight = tf.Variable([weight, 1.0])
        self._shift = shift
        self.asset = None if asset is None else tf.saved_model.Asset(asset)

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    def __call__(self, x):
        return self.weight * x + tf.constant(self._shift)


@pytest.fixture
def export(tmp_path):
    made = []

    def run(weight: float = 2.0, shift: float = 3.0, words: str | None = None) -> str:
        folder = tmp_path / str(len(made))
        made.append(folder)
        asset = None
        if words is not None:
            asset = tmp_path / f"words-{len(made)}" / "words.txt"
            asset.parent.mkdir()
            asset.write_text(words)
        tf.saved_model.save(Scaled(weight, shift, asset and str(asset)), str(folder))
        return str(folder)

    return run


def test_the_same_model_exported_twice_has_one_digest(export):
    assert model_digest(export()) == model_digest(export())
    assert model_digest(export(words="a b")) == model_digest(export(words="a b"))


def test_weights_constants_and_vocabularies_make_another_model(export):
    digests = [
        model_digest(export(*arguments))
        for arguments in (
            (2.0, 3.0),
            (2.0000002, 3.0),
            (2.0, 4.0),
            (2.0, 3.0, "a"),
            (2.0, 3.0, "b"),
        )
    ]
    assert len(set(digests)) == 5


def test_any_changed_moved_or_missing_file_changes_the_digest_of_files(export):
    folder = Path(export())
    digests = [files_digest(str(folder))]
    (folder / "fingerprint.pb").write_bytes(b"other")
    digests.append(files_digest(str(folder)))
    (folder / "fingerprint.pb").rename(folder / "fingerprint.bp")
    digests.append(files_digest(str(folder)))
    (folder / "fingerprint.bp").unlink()
    digests.append(files_digest(str(folder)))
    assert len(set(digests)) == 4 and digests[-1] == files_digest(str(folder))
