# SPDX-License-Identifier: Apache-2.0
"""Disks that misbehave: small ones and read-only ones that are mounted, and a library in front of the C library whose
syncs hang or fail (shim/disk.c)."""

import contextlib
import errno
import fcntl
import os
import pathlib
import shutil
import subprocess

import pytest

from support.waiting import wait_for

_SHIMS = pathlib.Path(__file__).resolve().parents[1] / "shim"


def build_shim(folder, name="disk"):
    """A library that goes in front of the C library, of shim/NAME.c."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler to build the misbehaving library with")
    library = pathlib.Path(folder) / f"{name}.so"
    subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o",
                    str(library), str(_SHIMS / f"{name}.c")], check=True, timeout=60)
    return library


def _sanitizer_of(binary):
    """The sanitizer's runtime, which wants to be loaded before any other library; None without one."""
    lines = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=True, timeout=60).stdout
    for line in lines.splitlines():
        if line.strip().startswith("libasan.so"):
            return line.split("=>")[1].split()[0]
    return None


def preloaded(library, binary):
    """The environment that puts it in front."""
    before = _sanitizer_of(binary)
    return {"LD_PRELOAD": f"{before}:{library}" if before else str(library)}


class Disk:
    """What the shim is told, and what it says."""

    def __init__(self, library, folder, binary):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        (self.folder / "hang").touch()
        self.env = {**preloaded(library, binary), "POSTERN_TEST_DISK": str(self.folder)}

    @contextlib.contextmanager
    def hanging(self):
        """No sync returns meanwhile."""
        with open(self.folder / "hang", "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            (self.folder / "hangs").unlink(missing_ok=True)
            yield

    def wait_hanging(self):
        wait_for((self.folder / "hangs").exists, "a sync that hangs")

    @contextlib.contextmanager
    def read_only(self):
        (self.folder / "read-only").touch()
        yield
        (self.folder / "read-only").unlink()

    def fail_next_sync(self):
        (self.folder / "fail-sync").touch()

    def syncs(self):
        """[(segment, its size, errno or 0)], oldest first."""
        path = self.folder / "syncs"
        rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [(name, int(size), int(result)) for name, size, result in rows]

    def wait_idle(self, journal_folder):
        """Until all that was written is synced."""
        wait_for(lambda: self.is_idle(journal_folder), "the last sync")

    def is_idle(self, journal_folder):
        """All that was written is synced."""
        last = max(pathlib.Path(journal_folder).glob("*.jsonl"))
        return self.syncs()[-1:] == [(last.name, last.stat().st_size, 0)]


class Mounts:
    """Mounts of a test; all are taken down at its end."""

    def __init__(self):
        self._paths = []

    def _mount(self, *args):
        done = subprocess.run(["mount", *map(str, args)], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            pytest.skip(f"this test mounts file systems, which is not permitted here: {done.stderr.strip()}")

    def small(self, path, size):
        """A file system of that many bytes."""
        path.mkdir(parents=True)
        self._mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", path)
        self._paths.append(path)

    def read_only(self, path):
        """The folder cannot be written to, not even by root."""
        self._mount("--bind", path, path)
        self._paths.append(path)
        self._mount("-o", "remount,ro,bind", path)

    def remount(self, path, how):
        """how: ro, which fails while a file is open for writing there, or rw."""
        self._mount("-o", f"remount,{how}", path)

    def close(self):
        while self._paths:
            subprocess.run(["umount", "--lazy", str(self._paths.pop())], check=True, timeout=60)


def fill(path, leave):
    """Takes all space of the file system but so many bytes; the file to remove when there shall be room again."""
    file = pathlib.Path(path) / "filler"

    def filled():
        space = os.statvfs(path)
        with open(file, "wb") as out:
            try:
                os.posix_fallocate(out.fileno(), 0, space.f_bavail * space.f_frsize - leave)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                return False  # another took some of it meanwhile
        return True

    wait_for(filled, "a file as large as all the space")
    return file
