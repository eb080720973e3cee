"""``file: {put|get|copy|list: ...}``: files in buckets, directly from the state machine.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal
from urllib.parse import quote

from pydantic import Field, model_validator

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope
from stepworkflows_cdk.compiler.patterns import Pattern, as_text, pattern_of
from stepworkflows_cdk.compiler.plan import Condition, Data, Grant, Hole, Jsonata, Text
from stepworkflows_cdk.compiler.retries import BUSY
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.sent import Sent
from stepworkflows_cdk.language.wildcards import fixed_parts, wildcard_in
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["CopySpec", "File", "FileKeys", "FileSpec", "GetSpec", "ListSpec", "PlaceSpec", "PutSpec"]

_TIMEOUT = 60
_TRANSIENT = ("S3.SdkClientException",)
# Errors that the model of S3 does not list have one name:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_BUSY = {"S3.S3Exception": BUSY}
_MISSING = {"S3.NoSuchKeyException": "NoSuchFile"}
_KEY_SIZE = 1024  # bytes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
_VERSION = "{'etag': $states.result.%s, 'version': $exists($states.result.VersionId) ? $states.result.VersionId : null}"
_ROWS = (
    "{'files': [$states.result.Contents.{'key': Key, 'size': Size, 'modified': LastModified}],"
    " 'more': $states.result.IsTruncated = true}"
)


class PlaceSpec(Keys):
    """A file."""

    bucket: str = Field(description="The name of a bucket under `resources`.")
    key: str = Field(min_length=1, description="The file's name in it, such as `invoices/{order_id}.json`.")


class PutSpec(PlaceSpec):
    """Writes a file. Its content are the step's `inputs` as JSON, or `text`. Its result has `etag` and `version`."""

    text: str | None = Field(None, description="The content, instead of `inputs`.")
    content_type: str | None = Field(
        None, description="The media type; default: `application/json`, of a text `text/plain; charset=utf-8`."
    )


class GetSpec(PlaceSpec):
    """Reads a file of at most 256 KiB. Its result is the content. Where there is none it fails as `NoSuchFile`."""

    as_: Literal["json", "text"] = Field("json", description="What the content is.")


class CopySpec(Keys):
    """Copies a file of at most 5 GiB, whatever it holds, with its metadata and tags."""

    from_: PlaceSpec = Field(description="The file that is there; where there is none it fails as `NoSuchFile`.")
    to: PlaceSpec = Field(description="The file that it becomes.")


class ListSpec(Keys):
    """Lists files. Its result has `files`, a list of `key`, `size` (bytes) and `modified` (ISO 8601), sorted by key, and
    `more`, which is true where there are others behind the last.
    """

    bucket: str = Field(description="The name of a bucket under `resources`.")
    prefix: str = Field("", description="What their keys begin with.")
    after: str | None = Field(None, description="A key: only those behind it, as for the next page.")
    max: int = Field(
        200, ge=1, le=1000, description="How many at most; the default fits into a state whatever the keys are."
    )


class FileSpec(Keys):
    """One of these."""

    put: PutSpec | None = Field(None, description="Writes a file.")
    get: GetSpec | None = Field(None, description="Reads a file.")
    copy_: CopySpec | None = Field(None, description="Copies a file.")
    list_: ListSpec | None = Field(None, description="Lists files.")

    @model_validator(mode="after")
    def _one(self) -> FileSpec:
        if sum(value is not None for value in (self.put, self.get, self.copy_, self.list_)) != 1:
            raise ValueError("one of `put`, `get`, `copy` and `list`")
        return self


class FileKeys(Keys):
    """The key of a step that works on files in a bucket."""

    file: FileSpec = Field(description="What is done. With `put`, `inputs` are the content.")


class File(Integration):
    """S3 by the SDK integration: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html."""

    key = "file"
    keys = FileKeys
    transient = _TRANSIENT
    raises = {"NoSuchFile": "`file` with `get` or `copy`, and there is no such file"}
    renamed = _MISSING

    def takes_whole(self, step: Step) -> bool:
        return True

    def idempotent(self, step: Step) -> bool:
        return True

    def has_effect(self, step: Step) -> bool:
        return not (_spec(step).get or _spec(step).list_)

    def gives(self, step: Step) -> frozenset[str] | None:
        spec = _spec(step)
        if spec.list_:
            return frozenset({"files", "more"})
        return frozenset({"etag", "version"}) if spec.put or spec.copy_ else None

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        spec = _spec(step)
        for path, place in _places(spec):
            yield from undeclared(step, (*path, "bucket"), place.bucket, "bucket", workflow)
            yield from _check_key(step, (*path, "key"), place.key)
        if spec.list_ is not None:
            path = ("file", "list")
            yield from undeclared(step, (*path, "bucket"), spec.list_.bucket, "bucket", workflow)
            yield from _check_key(step, (*path, "prefix"), spec.list_.prefix)
        if spec.put is None and step.keys.inputs is not None:
            yield Problem(
                "SW107", "`inputs` are the content of a file to `put`", step.key_mark("inputs"), "remove them"
            )
        if spec.put is not None and (spec.put.text is None) == (step.keys.inputs is None):
            if step.whole_input:
                return  # the flow's own work: its content is the whole input
            if spec.put.text is None:
                hint = "give `inputs`, which are written as JSON, or `text`"
                yield Problem("SW102", "the file has no content", step.key_mark("file", "put"), hint)
            else:
                message = "`inputs` stand beside a `text`, and a file has one content"
                yield Problem("SW107", message, step.key_mark("inputs"), "remove one of them")

    def sends(self, step: Step) -> Iterable[Sent]:
        for path, place in _places(_spec(step)):
            if path[-1] in ("put", "to"):
                yield Sent("s3", place.bucket, path, {"key": place.key})

    def plan(self, step: Step, scope: Scope) -> Call:
        spec = _spec(step)
        if spec.put is not None:
            return _put(step, spec.put, scope)
        if spec.get is not None:
            return _get(step, spec.get, scope)
        if spec.copy_ is not None:
            return _copy(step, spec.copy_, scope)
        assert spec.list_
        return _list(step, spec.list_, scope)


def _spec(step: Step) -> FileSpec:
    assert isinstance(step.work, FileKeys)
    return step.work.file


def _places(spec: FileSpec) -> Iterator[tuple[Path_, PlaceSpec]]:
    if spec.put:
        yield ("file", "put"), spec.put
    if spec.get:
        yield ("file", "get"), spec.get
    if spec.copy_:
        yield ("file", "copy", "from"), spec.copy_.from_
        yield ("file", "copy", "to"), spec.copy_.to


def _check_key(step: Step, path: Path_, key: str) -> Iterator[Problem]:
    for part in fixed_parts(key):
        if found := wildcard_in(part):
            message = f"`{found}` has a meaning of its own in permissions, which are given on the key"
            yield Problem("SW219", message, step.mark_of(*path), "give the file another name")
        if len(part.encode()) > _KEY_SIZE:
            message = f"a key may have {_KEY_SIZE:,} bytes"
            yield Problem("SW401", message, step.mark_of(*path), "shorten it")


def _put(step: Step, spec: PutSpec, scope: Scope) -> Call:
    bucket, key = _place(step, ("file", "put"), spec, scope)
    content: Data = scope.inputs() if spec.text is None else as_text(scope.data(spec.text))
    type_ = "application/json" if spec.text is None else "text/plain; charset=utf-8"
    arguments = {
        "Bucket": bucket,
        "Key": key.data,
        "Body": content,
        "ContentType": type_ if spec.content_type is None else as_text(scope.data(spec.content_type)),
    }
    grant = _on_file(step, ("file", "put"), spec, key, scope, "s3:PutObject")
    return _call(step, "putObject", arguments, _VERSION % "ETag", grant)


def _get(step: Step, spec: GetSpec, scope: Scope) -> Call:
    bucket, key = _place(step, ("file", "get"), spec, scope)
    body = "$states.result.Body"
    # Whoever may not list a bucket is not told that there is no file, but that reading it is forbidden. The condition on a
    # prefix cannot be met there: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    listing = Grant(scope.machine, ("s3:ListBucket",), _arn(spec.bucket, scope), step.key_mark("file", "get"))
    reading = _on_file(step, ("file", "get"), spec, key, scope, "s3:GetObject")
    result = f"$parse({body})" if spec.as_ == "json" else body
    return _call(step, "getObject", {"Bucket": bucket, "Key": key.data}, result, listing, reading, errors=_MISSING)


def _copy(step: Step, spec: CopySpec, scope: Scope) -> Call:
    source, key = _place(step, ("file", "copy", "from"), spec.from_, scope)
    target, to = _place(step, ("file", "copy", "to"), spec.to, scope)
    if key.exact:
        where: Data = Text((*source.parts, f"/{quote(str(key.data))}"))
    else:
        assert isinstance(key.data, Jsonata)
        encoded = f"$replace($encodeUrlComponent({key.data.code}), '%2F', '/')"
        where = Jsonata(f"{scope.expression(f'{{resources.{spec.from_.bucket}}}').code} & '/' & {encoded}", "string")
    # The tags of a file are copied with it, by whoever may: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    reading = ("s3:GetObject", "s3:GetObjectTagging")
    writing = ("s3:PutObject", "s3:PutObjectTagging")
    return _call(
        step,
        "copyObject",
        {"CopySource": where, "Bucket": target, "Key": to.data},
        _VERSION % "CopyObjectResult.ETag",
        Grant(scope.machine, ("s3:ListBucket",), _arn(spec.from_.bucket, scope), step.key_mark("file", "copy")),
        _on_file(step, ("file", "copy", "from"), spec.from_, key, scope, *reading),
        _on_file(step, ("file", "copy", "to"), spec.to, to, scope, *writing),
        errors=_MISSING,
    )


def _list(step: Step, spec: ListSpec, scope: Scope) -> Call:
    prefix = _pattern(step, ("file", "list", "prefix"), spec.prefix, scope)
    arguments: dict[str, Data] = {"Bucket": _name(spec.bucket, scope), "MaxKeys": spec.max}
    conditions: tuple[Condition, ...] = ()
    if spec.prefix:
        arguments["Prefix"] = prefix.data
        conditions = (Condition("StringEquals" if prefix.exact else "StringLike", "s3:prefix", (prefix.text,)),)
    if spec.after is not None:
        arguments["StartAfter"] = as_text(scope.data(spec.after))
    grant = Grant(
        scope.machine, ("s3:ListBucket",), _arn(spec.bucket, scope), step.key_mark("file", "list"), conditions
    )
    return _call(step, "listObjectsV2", arguments, _ROWS, grant)


def _call(
    step: Step, action: str, arguments: Data, result: str, *grants: Grant, errors: dict[str, str] | None = None
) -> Call:
    return Call(
        resource=f"aws-sdk:s3:{action}",
        arguments=arguments,
        result=result,
        timeout=step.keys.timeout or _TIMEOUT,
        transient=_TRANSIENT,
        transient_when=_BUSY,
        errors=errors or {},
        grants=grants,
    )


def _place(step: Step, path: Path_, place: PlaceSpec, scope: Scope) -> tuple[Text, Pattern]:
    return _name(place.bucket, scope), _pattern(step, (*path, "key"), place.key, scope)


def _pattern(step: Step, path: Path_, value: str, scope: Scope) -> Pattern:
    found = pattern_of(value, scope, f"the {path[-1]}")
    if found.wildcard:
        raise ConfigurationError(
            f"{step.mark_of(*path)}: with this config `{found.wildcard}` stands in the {path[-1]}, and permissions are given "
            "on it"
        )
    if not found.data and path[-1] == "key":
        raise ConfigurationError(f"{step.mark_of(*path)}: with this config the key is empty")
    return found


def _on_file(step: Step, path: Path_, place: PlaceSpec, key: Pattern, scope: Scope, *actions: str) -> Grant:
    return Grant(scope.machine, actions, key.in_(_arn(place.bucket, scope)), step.key_mark(*path))


def _name(bucket: str, scope: Scope) -> Text:
    return Text((Hole(scope.resource(bucket).id, "name"),))


def _arn(bucket: str, scope: Scope) -> Text:
    return scope.arn(scope.resource(bucket))
