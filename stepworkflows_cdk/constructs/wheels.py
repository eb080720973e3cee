"""The dependencies of a step's code become a folder of packages for Lambda's Python and processor, made on any machine.

Only wheels are taken: a wheel is built for a named platform, so an Arm function can be packaged on an Intel laptop,
and no package's build script runs. The installer is ``uv`` where there is one, else ``pip``; both take the user's own
settings, so a company's index is used as ever. What was installed is kept in a cache under a name made of the
requirements and the target.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepworkflows_cdk.constructs.installers import check_markers, find_installer, install_command, is_uv, refusal
from stepworkflows_cdk.constructs.requirements import Requirements
from stepworkflows_cdk.constructs.sources import read_sources, settle
from stepworkflows_cdk.errors import PackagingError

__all__ = ["Target", "WheelStore"]

Installer = Callable[[Sequence[str], Path], "subprocess.CompletedProcess[str]"]
"""Runs a command in a folder."""


def _run(command: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, check=False, capture_output=True, encoding="utf-8", errors="replace")


@dataclass(frozen=True)
class Target:
    """Where the packages run: ``python`` as ``3.14``, ``architecture`` ``arm64`` or ``x86_64``."""

    python: str
    architecture: str

    @property
    def machine(self) -> str:
        return {"arm64": "aarch64"}.get(self.architecture, self.architecture)

    @property
    def glibc(self) -> int:
        """The minor version of glibc 2 that wheels may ask for.

        Runtimes from Python 3.12 on stand on Amazon Linux 2023 (glibc 2.34; 28 is the newest that wheels commonly
        name), older ones on Amazon Linux 2 (2.26): https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
        """
        return 28 if tuple(int(part) for part in self.python.split(".")) >= (3, 12) else 17


@dataclass(frozen=True)
class WheelStore:
    """Installs wheels, and keeps them in ``folder``."""

    folder: Path
    run: Installer = _run
    installer: Callable[[], Sequence[str] | None] = find_installer

    @classmethod
    def of_user(cls, environment: Mapping[str, str] = os.environ) -> WheelStore:
        """The one in the user's cache folder, or in ``STEPWORKFLOWS_CACHE``.

        Not in the machine's temporary folder: there, another user could lay code ready that this one then deploys.
        """
        if chosen := environment.get("STEPWORKFLOWS_CACHE"):
            return cls(Path(chosen))
        fallback = environment.get("LOCALAPPDATA") if os.name == "nt" else str(Path.home() / ".cache")
        caches = environment.get("XDG_CACHE_HOME") or fallback or str(Path.home())
        return cls(Path(caches) / "stepworkflows-cdk")

    def install(self, code: Path, requirements: Requirements, target: Target) -> Path:
        """The folder with all that ``requirements``, read from the folder ``code``, asks for.

        What was installed once stays as it is: a requirement without a version gives the version of that day.
        """
        key = "\0".join((target.python, target.machine, str(target.glibc), *requirements.lines))
        wheels = self.folder / "wheels" / hashlib.sha256(key.encode()).hexdigest()[:32]
        if not wheels.is_dir():
            self.fill(wheels, lambda new: self._install(new, code, requirements, target))
        return wheels

    def fill(self, folder: Path, make: Callable[[Path], None]) -> None:
        """Makes ``folder`` whole or not at all, however many processes do so at once."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as passing:
            new = Path(passing, "content")
            make(new)
            try:
                new.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster, with the same content
                    raise

    def _install(self, new: Path, code: Path, requirements: Requirements, target: Target) -> None:
        installer = self.installer()
        if installer is None:
            raise PackagingError(f"{code}: needs uv or pip to install its dependencies\nfix: pip install uv")
        new.mkdir()
        file = requirements.file  # where it stands, since it may name other files beside it
        if file is None:
            file = new.with_name("requirements.txt")
            file.write_text(requirements.text, encoding="utf-8")
        done = self.run(install_command(installer, file, new, target), code)
        name = "uv" if is_uv(installer) else "pip"
        if done.returncode != 0:
            raise refusal(code, target, name, done.stderr or done.stdout)
        if name == "pip":
            check_markers(code, requirements, new, target)
        _clean(new)


def _clean(folder: Path) -> None:
    """Removes what tells of the installer and of this machine, so that the content depends on the wheels alone."""
    for path in (folder / ".lock", folder / ".gitignore", folder / "CACHEDIR.TAG"):
        path.unlink(missing_ok=True)
    for info in folder.glob("*.dist-info"):
        for name in ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json"):
            (info / name).unlink(missing_ok=True)
    # Console scripts name this machine's Python in their first line, and Lambda has no console.
    scripts = folder / "bin"
    for script in scripts.iterdir() if scripts.is_dir() else ():
        if script.is_file() and script.read_bytes()[:2] == b"#!":
            script.unlink()
    if scripts.is_dir() and not any(scripts.iterdir()):
        scripts.rmdir()
    for cache in sorted(folder.rglob("__pycache__")):
        shutil.rmtree(cache, ignore_errors=True)
    for source in read_sources(folder):
        settle(source.path, executable=source.executable)
