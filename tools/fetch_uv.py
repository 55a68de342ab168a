"""Fetches uv, the installer of this project, with nothing but Python's standard library.

Debian's Python comes without pip; uv is one program in a wheel, so downloading the wheel, checking
its hash and taking the program out of it is enough.
"""

from __future__ import annotations

import hashlib
import io
import pathlib
import platform
import re
import sys
import urllib.parse
import urllib.request
import zipfile

VERSION = "0.13.9"
INDEX = "https://pypi.org/simple/uv/"


def fetch(target: pathlib.Path) -> None:
    """Writes the uv program for this machine to `target`.

    Raises:
      SystemExit: there is no wheel for this machine, or what came is not what the index promises.
    """
    with urllib.request.urlopen(INDEX) as answer:
        links = re.findall(r'href="([^"#]+)#sha256=([0-9a-f]{64})"', answer.read().decode())
    name = re.compile(rf".*/uv-{re.escape(VERSION)}-.*manylinux.*_{platform.machine()}\.whl")
    wheels = [(link, sha256) for link, sha256 in links if name.fullmatch(link)]
    if not wheels:
        raise SystemExit(
            f"no uv {VERSION} for {platform.system()} {platform.machine()}: install uv by hand "
            "(https://docs.astral.sh/uv) and run make again"
        )
    link, sha256 = wheels[0]
    with urllib.request.urlopen(urllib.parse.urljoin(INDEX, link)) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise SystemExit(f"{link} came damaged (its SHA-256 is wrong): try again")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        [program] = [name for name in archive.namelist() if name.endswith("/scripts/uv")]
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        partial.write_bytes(archive.read(program))
        partial.chmod(0o755)
        partial.replace(target)


if __name__ == "__main__":
    print(f"Fetching uv {VERSION} ...", flush=True)
    fetch(pathlib.Path(sys.argv[1]))
