"""Commands in a userland of their own, for the scripts that try what a fresh machine does."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator

PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_OWN_MOUNTS = "FAIRGATE_OWN_MOUNTS"


def with_own_mounts() -> None:
    """Starts the running script anew, with mounts that nobody else sees and that end when it does.

    Raises:
      SystemExit: the user is not root.
    """
    if os.geteuid():
        raise SystemExit("chroot and mount need root: run it with sudo")
    if _OWN_MOUNTS not in os.environ:
        os.environ[_OWN_MOUNTS] = "1"
        apart = ["unshare", "--mount", "--propagation", "private"]
        os.execvp(apart[0], [*apart, sys.executable, *sys.argv])


@contextlib.contextmanager
def layer(
    below: list[pathlib.Path], own: pathlib.Path, place: pathlib.Path
) -> Iterator[pathlib.Path]:
    """The folders `below`, the first on top, as one at `place`/root; what is written goes into `own`."""
    root, scratch = place / "root", place / "scratch"
    for folder in (own, root, scratch):
        folder.mkdir(parents=True, exist_ok=True)
    lower = ":".join(str(folder) for folder in below)
    options = f"lowerdir={lower},upperdir={own},workdir={scratch}"
    with _mounted(root, "-t", "overlay", "overlay", "-o", options):
        yield root


def run(
    root: pathlib.Path,
    command: list[str],
    variables: dict[str, str],
    *,
    folder: str = "/",
    user: str | None = None,
    check: bool = True,
) -> int:
    """Runs a command in `root`, with these variables and no others; returns its exit status.

    It is lent what a container engine gives every container: name resolution, /proc, /dev, and a
    /dev/shm and a /tmp that are not kept.

    Raises:
      subprocess.CalledProcessError: it failed, and `check` is true.
    """
    inside = ["chroot", *(["--userspec", user] if user else []), str(root), "env", "-i"]
    inside += [f"{name}={value}" for name, value in ({"PATH": PATH} | variables).items()]
    inside += ["sh", "-c", f'cd {shlex.quote(folder)} && exec "$@"', "sh", *command]
    with _lent(root):
        return subprocess.run(inside, check=check).returncode


@contextlib.contextmanager
def _lent(root: pathlib.Path) -> Iterator[None]:
    shutil.copyfile("/etc/resolv.conf", root / "etc" / "resolv.conf")
    # An installed Debian has it, and so has every container; debootstrap writes none.
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    with contextlib.ExitStack() as lent:
        scratch = lent.enter_context(
            tempfile.TemporaryDirectory(dir=root.parent, ignore_cleanup_errors=True)
        )
        pathlib.Path(scratch).chmod(0o1777)
        lent.enter_context(_mounted(root / "dev", "--rbind", "/dev"))
        lent.enter_context(_mounted(root / "dev" / "shm", "-t", "tmpfs", "tmpfs"))
        lent.enter_context(_mounted(root / "proc", "-t", "proc", "proc"))
        lent.enter_context(_mounted(root / "tmp", "--bind", scratch))
        yield


@contextlib.contextmanager
def _mounted(place: pathlib.Path, *what: str) -> Iterator[None]:
    subprocess.run(["mount", *what, str(place)], check=True)
    try:
        yield
    finally:
        # Lazily: a process that a command left behind does not keep the rest from going on.
        subprocess.run(["umount", "--recursive", "--lazy", str(place)], check=True)
