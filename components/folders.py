"""Folders, whatever their names: `[`, `]`, `?` and `*` in them are no patterns; no link is followed."""

from __future__ import annotations

import fnmatch
import os
import shutil

import tensorflow as tf

from fairgate.errors import DataError


def inside(folder: str) -> list[str]:
    """Paths of all that lies in `folder`, sorted; none where there is no such folder.

    Raises:
      DataError: it cannot be looked into, which must not be taken for an empty one.
    """
    if "://" not in folder:
        try:
            return sorted(os.path.join(folder, name) for name in os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except PermissionError as error:
            raise DataError(
                f"{folder}: cannot be looked into: {error.strerror}. Get the permission to read it"
            ) from None
    if not tf.io.gfile.isdir(folder):
        return []
    # Object stores name folders with a slash behind.
    names = {name.rstrip("/") for name in tf.io.gfile.listdir(folder)}
    return sorted(os.path.join(folder, name) for name in names)


def move_model(source: str, target: str) -> None:
    """Gives the SavedModel in `source` the name `target`, which is not there.

    On this machine that is one operation. An object store has no folders: files are moved one by one, and
    saved_model.pb, without which no server takes a folder for a model, comes last.
    """
    if "://" not in source:
        tf.io.gfile.rename(source, target)
        return
    for path in model_files(source):
        tf.io.gfile.rename(os.path.join(source, path), os.path.join(target, path))


def model_files(folder: str) -> list[str]:
    """The files of a SavedModel as paths below `folder`, in order; saved_model.pb comes last."""
    paths = [
        os.path.join(parent, name)[len(folder) :].strip("/")
        for parent, _, names in tf.io.gfile.walk(folder)
        for name in names
    ]
    return sorted(paths, key=lambda path: (path == "saved_model.pb", path))


def matching(folder: str, pattern: str) -> list[str]:
    """Paths below `folder` that match `pattern`, sorted; `*` in it stands for no more than one folder."""
    found = [folder]
    for part in pattern.split("/"):
        if not any(character in part for character in "*?["):
            found = [path for each in found if tf.io.gfile.exists(path := os.path.join(each, part))]
        else:
            found = [
                path
                for each in found
                for path in inside(each)
                if fnmatch.fnmatchcase(os.path.basename(path), part)
            ]
    return sorted(found)


def remove(folder: str) -> None:
    """Removes `folder` with all that is in it, if it is there; of a link the link, and nothing behind it.

    `tf.io.gfile.rmtree` follows links, and empties what others keep elsewhere.
    """
    if "://" in folder:
        if tf.io.gfile.exists(folder):
            tf.io.gfile.rmtree(folder)
    elif os.path.islink(folder) or os.path.isfile(folder):
        os.unlink(folder)
    elif os.path.lexists(folder):
        shutil.rmtree(folder)
