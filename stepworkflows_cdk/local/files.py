"""Files in buckets, as people want to see them: as text, where they are some."""

from __future__ import annotations

from typing import Any

from stepworkflows_cdk.local.world import World

__all__ = ["files_in"]

_SHOWN = 65_536
"""Bytes of a file up to which its text is given."""


def files_in(world: World, bucket: str) -> dict[str, Any]:
    """All files of a bucket, sorted by key: the text, or ``{"size": BYTES}``."""
    client = world.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    found = {file["Key"]: file["Size"] for page in pages for file in page.get("Contents", ())}
    return {key: _content(client, bucket, key, found[key]) for key in sorted(found)}


def _content(client: Any, bucket: str, key: str, size: int) -> Any:
    if size <= _SHOWN:
        try:
            return client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        except UnicodeDecodeError:
            pass
    return {"size": size}
