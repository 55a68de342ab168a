"""Files that are there whole or not at all, however many write them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from fairgate.documents import write_text


def test_of_several_who_write_at_once_none_fails_and_no_half_is_read(tmp_path):
    file = tmp_path / "index.html"
    texts = [letter * 200_000 for letter in "abc"]
    done = threading.Event()

    def write(text: str) -> None:
        for _ in range(40):
            write_text(file, text)

    def read() -> set[str]:
        found = set()
        while not done.is_set():
            found.add(file.read_text())
        return found

    write_text(file, texts[0])
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(read)
        for each in [pool.submit(write, text) for text in texts]:
            each.result()
        done.set()
        assert reading.result() <= set(texts)
    assert list(tmp_path.iterdir()) == [file]
