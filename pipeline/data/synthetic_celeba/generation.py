"""Makes the whole set: shards in parallel into a hidden sibling folder, renamed when complete."""

import os
import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from multiprocessing import active_children, connection, get_context, parent_process
from pathlib import Path

import cv2

from components.checksums import framed
from pipeline.data import records, unfinished
from pipeline.data.synthetic_celeba import layout
from pipeline.data.synthetic_celeba.faces import sample
from pipeline.data.synthetic_celeba.layout import Shard
from pipeline.data.synthetic_celeba.portrait import portray

MINIMUM_IMAGES = 200  # below it the test split has under 20 images and its rates mean nothing
JPEG_QUALITY = 90
PICTURES = 1
_MAXIMUM_SEED = 2**63 - 1


def generate(
    directory: Path,
    images: int = 40_000,
    seed: int = 0,
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    pictures: int = PICTURES,
) -> None:
    """Writes a synthetic CelebA into `directory`, complete or not at all.

    The same `images`, `seed` and `pictures` give the same bytes, whatever `processes` is.

    Args:
      directory: The folder the files go to; `tfds.builder_from_directory` reads it. It must not
        exist yet, or be empty.
      images: Number of images over all three splits, at least 200.
      seed: Any number from 0 to 2**63 - 1.
      processes: Worker processes; all available cores by default, 1 works in this process.
      progress: Called with (images done, images in all) each time a shard is complete.
      pictures: How many a person has on average: 1 to 2 `pictures` - 1, all in one split.

    Raises:
      ValueError: A bad argument, or a `directory` that holds files already.
    """
    directory = Path(directory)
    processes = (os.cpu_count() or 1) if processes is None else processes
    _check(directory, images, seed, processes, pictures)
    plan = layout.shards(images)
    with unfinished.replacing(directory) as made:
        sizes: dict[Shard, int] = {}
        done = 0
        # Closed, so that no worker writes any more when the folder is cleared away.
        with closing(_write_shards(plan, made, seed, processes, pictures)) as written:
            for shard, size in written:
                sizes[shard] = size
                done += shard.length
                if progress is not None:
                    progress(done, images)
        layout.write_descriptions(
            made, images, seed, [(shard, sizes[shard]) for shard in plan], pictures
        )


def write_shard(shard: Shard, directory: Path, seed: int, pictures: int = PICTURES) -> int:
    """Draws one shard and writes its file; returns the bytes of its serialized examples."""
    size = 0
    with (directory / shard.filename).open("wb") as file:
        for face in sample(seed, shard.split, shard.start, shard.length, pictures):
            image, landmarks = portray(face)
            features: dict[str, int | bytes] = {
                "image": _jpeg(image),
                f"identity/{layout.IDENTITY}": face.identity,
            }
            features |= {f"attributes/{name}": value for name, value in face.attributes.items()}
            features |= {f"landmarks/{name}": value for name, value in landmarks.items()}
            example = records.example(features)
            size += len(example)
            file.write(framed(example))
    return size


def _jpeg(image) -> bytes:
    encoded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not encoded:
        raise RuntimeError("OpenCV could not encode a JPEG: is this build of it without libjpeg?")
    return data.tobytes()


def _write_shards(
    plan: list[Shard], directory: Path, seed: int, processes: int, pictures: int
) -> Generator[tuple[Shard, int]]:
    """Yields each shard and its size as it is complete, in any order."""
    if processes == 1:
        for shard in plan:
            yield shard, write_shard(shard, directory, seed, pictures)
        return
    others = set(active_children())
    # Spawn: a forked copy of a parent with TensorFlow's threads in it may hang.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=_begin_to_draw)
    try:
        running = {
            pool.submit(write_shard, shard, directory, seed, pictures): shard for shard in plan
        }
        for finished in as_completed(running):
            yield running[finished], finished.result()
    except BaseException:  # a shard that is half drawn is not waited for
        for worker in set(active_children()) - others:
            worker.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_to_draw() -> None:
    """What a worker does first: it is as quiet and as short-lived as the process that it works for."""
    cv2.setNumThreads(1)
    for each in (signal.SIGINT, signal.SIGHUP):  # which reach all processes of a terminal
        signal.signal(each, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Waits until the parent is gone, however that ended, and then ends this process."""
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _check(directory: Path, images: int, seed: int, processes: int, pictures: int) -> None:
    if images < MINIMUM_IMAGES:
        raise ValueError(
            f"images: got {images}, expected at least {MINIMUM_IMAGES}, so that every "
            f"split has enough to measure a rate on. Use images={MINIMUM_IMAGES} for "
            "a quick look and 20000 or more to train on."
        )
    if not 0 <= seed <= _MAXIMUM_SEED:
        raise ValueError(
            f"seed: got {seed}, expected 0 to 2**63 - 1. Any such number will do, "
            "for example seed=0."
        )
    if processes < 1:
        raise ValueError(
            f"processes: got {processes}, expected at least 1. Leave it out to use all cores."
        )
    if pictures < 1:
        raise ValueError(
            f"pictures: got {pictures}, expected at least 1. With pictures=1 nobody is on two images."
        )
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ValueError(
            f"directory: {directory} exists and is not an empty folder. Nothing in it "
            "was touched; remove it or choose another one."
        )
