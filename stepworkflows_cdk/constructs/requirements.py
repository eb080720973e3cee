"""What a step's folder asks for: ``requirements.txt``, else ``[project] dependencies`` of ``pyproject.toml``, read for what
they name and for what decides which packages are installed.

Only wheels are installed, so what would have to be built first is refused here, with its line: folders, repositories,
source archives. The installer would build some of them, for this machine.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from stepworkflows_cdk.errors import PackagingError

__all__ = ["Requirements", "asks_for_nothing", "masked", "read_requirements"]


@dataclass(frozen=True)
class Requirements:
    """``text``: lines of a requirements file; ``file``: where they stand, None for a project's. ``lines`` are they and
    those that they include, with digests of the wheels on this machine: all that decides what is installed.
    """

    text: str
    file: Path | None
    lines: tuple[str, ...]


def read_requirements(code: Path) -> Requirements | None:
    """None where the folder asks for nothing."""
    file, project = code / "requirements.txt", code / "pyproject.toml"
    if file.is_file():
        text = _text(file)
        source: Path | None = file
    elif project.is_file():
        text = "".join(f"{line}\n" for line in _of_project(project))
        source = None
    elif (code / "Pipfile").is_file():
        raise PackagingError(f"{code / 'Pipfile'}: is not read\nfix: pipenv requirements > requirements.txt")
    else:
        return None
    if asks_for_nothing(text):
        return None
    # uv reads these for itself: an index that is set there, versions that are overridden.
    settings = [f"{each.name} {_digest(each)}" for each in (project, code / "uv.toml") if each.is_file()]
    return Requirements(text, source, (*_lines(code, source or project, text, []), *settings))


def asks_for_nothing(text: str) -> bool:
    """Whether a requirements file has nothing but comments in it."""
    return not any(_logical(text))


def masked(text: str) -> str:
    """Without what stands before the host of a URL, and without its query: an index's credentials stand there."""
    return re.sub(r"(\w://[^\s?#'\"`]*)\?[^\s'\"`]*", r"\1?****", re.sub(r"://[^/\s]*@", "://****@", text))


_EDITABLE = re.compile(r"(?:-e|--editable)\b")
_INCLUDED = re.compile(r"(?:-r|-c)\s*=?\s*(?P<short>\S+)|--(?:requirement|constraint)(?:\s+|=)(?P<long>\S+)")
_LINKS = re.compile(r"-f\s*=?\s*(?P<short>\S+)|--find-links(?:\s+|=)(?P<long>\S+)")
_BUILT = re.compile(r"--no-binary\b")
_NAMED = re.compile(r"[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?\s*@\s*(?P<target>\S+)")
_TARGET = re.compile(
    r"(?P<target>(?:[a-z][a-z0-9+.-]*://|[a-z]+\+|file:|\.{0,2}[/\\]|[A-Za-z]:[/\\])\S*|\S+\.(?:whl|zip|tar\.\w+|tgz))",
    re.I,
)


def _logical(text: str) -> Iterator[str]:
    """The lines without comments, those with a backslash at their end joined, none empty."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        if plain := re.sub(r"(?:^|\s)#.*", "", line).strip():
            yield plain


def _lines(code: Path, file: Path, text: str, seen: list[Path]) -> Iterator[str]:
    for line in _logical(text):
        yield line
        if _EDITABLE.match(line):
            raise _refused(
                file, line, "an editable package stays on this machine", "copy its code into the step's folder"
            )
        if _BUILT.match(line):
            raise _refused(file, line, "only wheels are installed", "remove the line")
        if found := _INCLUDED.match(line):
            yield from _included(code, file, line, found["short"] or found["long"], seen)
        elif found := _LINKS.match(line):
            yield from _offered(code / _local(found["short"] or found["long"]))
        elif found := _NAMED.match(line) or _TARGET.match(line):
            yield from _taken(code, file, line, found["target"])


def _included(code: Path, file: Path, line: str, name: str, seen: list[Path]) -> Iterator[str]:
    if "://" in name:
        raise _refused(file, line, "a list on the network can change unseen", "copy it beside this one")
    included = (file.parent / name).resolve()
    if not included.is_file():
        raise _refused(file, line, "there is no such file", "check the path; it is relative to this file")
    if included not in seen and included != file.resolve():
        seen.append(included)
        yield from _lines(code, included, _text(included), seen)


def _offered(folder: Path) -> Iterator[str]:
    """The wheels of a folder that is searched for packages."""
    for wheel in sorted(folder.glob("*.whl")) if folder.is_dir() else ():
        yield f"{wheel.name} {_digest(wheel)}"


def _taken(code: Path, file: Path, line: str, target: str) -> Iterator[str]:
    """A package that is named by where it is."""
    build = "build a wheel of it, put that beside the code and name it here: ./NAME.whl"
    if re.match(r"(?:git|hg|svn|bzr)\+", target):
        raise _refused(file, line, "a repository would have to be built", build)
    place = re.sub(r"\[[^\]]*\]\Z", "", target.rstrip(";"))
    if place.startswith(("http://", "https://")):
        if not urlsplit(place).path.endswith(".whl"):
            raise _refused(file, line, "only wheels are installed, and this is none", build)
        return
    path = code / _local(place)
    if not path.exists():
        raise _refused(file, line, "there is no such file", "check the path; it is relative to the step's folder")
    if path.is_dir():
        raise _refused(
            file, line, "a folder would have to be built", f"copy its code into the step's folder, or {build}"
        )
    if path.suffix != ".whl":
        raise _refused(file, line, "only wheels are installed, and this is none", build)
    yield _digest(path)


def _local(place: str) -> str:
    """The path of a ``file:`` URL, or the path itself."""
    return unquote(urlsplit(place).path) if place.startswith("file:") else place


def _of_project(file: Path) -> list[str]:
    try:
        found = tomllib.loads(_text(file))
    except tomllib.TOMLDecodeError as error:
        raise PackagingError(f"{file}: not valid TOML: {error}") from error
    project, tools = found.get("project", {}), found.get("tool", {})
    dependencies: Any = project.get("dependencies", []) if isinstance(project, dict) else None
    if not isinstance(dependencies, list) or not all(isinstance(each, str) for each in dependencies):
        raise PackagingError(f"{file}: `dependencies` under `[project]` must be a list of texts")
    elsewhere = "fix: write the packages into `dependencies` under `[project]`, or into a requirements.txt beside it"
    dynamic = project.get("dynamic")
    if isinstance(dynamic, list) and "dependencies" in dynamic:
        raise PackagingError(
            f"{file}: its dependencies are dynamic: known only to what builds the project\n{elsewhere}"
        )
    poetry = tools.get("poetry", {}) if isinstance(tools, dict) else {}
    own = poetry.get("dependencies", {}) if isinstance(poetry, dict) else {}
    if isinstance(own, dict) and not dependencies and set(own) - {"python"}:
        raise PackagingError(f"{file}: the dependencies under `[tool.poetry]` are not read\n{elsewhere}")
    return dependencies


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise PackagingError(f"{file}: no text in UTF-8\nfix: save it as UTF-8") from None


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _refused(file: Path, line: str, what: str, fix: str) -> PackagingError:
    return PackagingError(f"{file}: {masked(line)!r}: {what}\nfix: {fix}")
