"""The code of a step: ``zip-file`` and ``handler``, checked by reading them, and ``image``. For every integration whose
steps run code.
"""

from __future__ import annotations

import ast
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stepworkflows_cdk.compiler.plan import Hole, Text
from stepworkflows_cdk.language.archive import BROKEN, fault
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Step

__all__ = ["DEFAULT_HANDLER", "IMAGE", "check_code", "code_name", "fits_code", "image_problems", "image_text"]

DEFAULT_HANDLER = "handler.handler"

IMAGE = re.compile(
    r"(?P<account>ACCOUNT_ID|\d{12})\.dkr\.ecr\.(?P<region>REGION|[a-z]+(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z\d]+(?:[._/-]+[a-z\d]+)*)(?::(?P<tag>\w[\w.-]{0,127})|@(?P<digest>sha256:[0-9a-f]{64}))\Z",
    re.ASCII,
)
"""An image in ECR, by its tag or its digest. ``ACCOUNT_ID`` and ``REGION`` are this stack's.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-push-ecr-image.html"""

_HANDLER = re.compile(r"[A-Za-z_][\w]*(?:[./][A-Za-z_]\w*)*\.[A-Za-z_]\w*\Z")
# A module of nothing but these defines what it defines in sight; any other statement may define more.
_PLAIN_STATEMENTS = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Import,
    ast.ImportFrom,
    ast.Expr,
    ast.Assign,
    ast.AnnAssign,
)


def fits_code(key: str, step: Mapping[str, Any]) -> bool:
    """Whether a setting of a runtime has an effect on a step with such code, as it is written."""
    other = {"python": "image", "timeout": "timeout"}.get(key)
    return other is None or other not in step


def check_code(step: Step, zip_file: str, handler: str) -> Iterable[Problem]:
    """Whether the code is there, can be read, and has the function that ``handler`` names, as far as reading tells."""
    named = bool(_HANDLER.match(handler))
    if not named:
        yield Problem(
            "SW501", "a handler is a module and a function", step.mark_of("handler"), f"write `{DEFAULT_HANDLER}`"
        )
    mark = step.mark_of("zip-file")
    code = step.document.folder / zip_file
    if Path(zip_file).is_absolute() and not mark.programmed:
        yield Problem("SW502", "the code's path is absolute", mark, "write it relative to this document")
    elif not code.exists():
        names = sorted(path.name for path in code.parent.iterdir()) if code.parent.is_dir() else []
        beside = [(Path(zip_file).parent / name).as_posix() for name in names]
        hint = nearest(zip_file, beside) or "check the path; it is relative to this document"
        yield Problem("SW502", f"there is no `{zip_file}` beside this document", mark, hint)
    elif code.is_file() and code.suffix == ".py":
        folder = Path(zip_file).parent.as_posix()
        hint = f"name its folder, `zip-file: {folder}`, with `handler: {code.stem}.handler`"
        yield Problem("SW503", f"`{zip_file}` is neither a folder nor a .zip file", mark, hint)
    elif named:
        yield from _check_handler(step, code, zip_file, handler)


def image_problems(step: Step, image: str) -> Iterable[Problem]:
    """Whether an image, its references filled, is one in ECR. Nothing is built here: that would take Docker."""
    if IMAGE.match(image):
        return
    mark = step.mark_of("image")
    example = "ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/NAME:TAG"
    if (step.document.folder / image).exists():
        hint = f"`docker build -t IMAGE {image}` and `docker push IMAGE`, then write IMAGE here: {example}"
        yield Problem("SW507", f"`{image}` is a place on this machine, and images are not built here", mark, hint)
    elif ".dkr.ecr." in image:
        hint = f"write {example}, or NAME@sha256: with its 64 digits"
        yield Problem("SW507", "this is no complete name of an image in ECR", mark, hint)
    else:
        yield Problem("SW507", "this is no image in ECR", mark, f"push it to ECR, and write {example}")


def image_text(image: str) -> Text:
    """An image that passed, with holes for ``ACCOUNT_ID`` and ``REGION``."""
    host, slash, rest = image.partition("/")
    account, _, tail = host.partition(".dkr.ecr.")
    region, dot, domain = tail.partition(".")
    parts: list[str | Hole] = [
        Hole("aws", "account") if account == "ACCOUNT_ID" else account,
        ".dkr.ecr.",
        Hole("aws", "region") if region == "REGION" else region,
        f"{dot}{domain}{slash}{rest}",
    ]
    return Text(tuple(parts))


def code_name(path: str, handler: str) -> str:
    """What is called after the code: ``send_confirmation/`` -> ``send-confirmation``; with the handler's name where that
    is not the usual one.
    """
    # An absolute path, which only a program gives, is another on each machine.
    plain = re.sub(r"\.zip\Z", "", Path(path).name if Path(path).is_absolute() else path.rstrip("/"))
    if handler != DEFAULT_HANDLER:
        plain = f"{plain}-{handler}"
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "code"


def _check_entries(code: Path, zip_file: str, step: Step) -> Iterable[Problem]:
    """The first file of an archive that cannot be unpacked, or not where it should be."""
    if code.is_file():
        with zipfile.ZipFile(code) as archive:
            faults = ((entry.filename, fault(entry)) for entry in archive.infolist())
            for name, wrong in (found for found in faults if found[1]):
                message = f"`{name}` in `{zip_file}` {wrong}"
                yield Problem("SW503", message, step.mark_of("zip-file"), "zip the files anew from their folder")
                return


def _check_handler(step: Step, code: Path, zip_file: str, handler: str) -> Iterable[Problem]:
    """Whether the module of the handler is in the code."""
    module = handler.rpartition(".")[0].replace(".", "/")
    wanted = (f"{module}.py", f"{module}/__init__.py")
    mark = step.mark_of("zip-file")
    try:
        source = _source(code, wanted)
    except BROKEN:
        yield Problem("SW503", f"`{zip_file}` cannot be read", mark, "make it again; it may be damaged")
        return
    if code.is_file() and code.suffix != ".zip":
        yield Problem("SW503", f"`{zip_file}` is neither a folder nor a .zip file", mark, "zip the code's folder")
        return
    yield from _check_entries(code, zip_file, step)
    if source is not None:
        yield from _check_function(step, handler, source, wanted[0])
    else:
        yield Problem(
            "SW504",
            f"the code has no module `{wanted[0]}` for the handler `{handler}`",
            _handler_mark(step),
            "name the right module in `handler`",
        )


def _source(code: Path, wanted: Iterable[str]) -> bytes | None:
    """The first of the files that is there. A zip that is none is one of ``BROKEN``."""
    if code.is_dir():
        return next(((code / name).read_bytes() for name in wanted if (code / name).is_file()), None)
    with zipfile.ZipFile(code) as archive:
        return next((archive.read(name) for name in wanted if name in archive.namelist()), None)


def _check_function(step: Step, handler: str, source: bytes, file: str) -> Iterable[Problem]:
    """Whether the module can be read and has the function, as far as reading tells."""
    mark = _handler_mark(step)
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        said = getattr(error, "msg", None) or str(error)
        yield Problem("SW504", f"`{file}` is no Python: line {line}: {said}", mark, "mend the code")
        return
    name = handler.rpartition(".")[2]
    names = {found for node in module.body for found in _defined(node)}
    simple = all(isinstance(node, _PLAIN_STATEMENTS) for node in module.body) and "*" not in names
    if simple and name not in names:
        hint = f"it has {', '.join(f'`{known}`' for known in sorted(names))}" if names else "write it"
        yield Problem("SW504", f"`{file}` has no function `{name}`", mark, hint)


def _handler_mark(step: Step) -> Mark:
    return step.mark_of("handler") if step.get("handler") is not None else step.mark_of("zip-file")


def _defined(node: ast.stmt) -> Iterable[str]:
    """The names that a statement of a module defines."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name for alias in names)
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
