"""Buckets on this machine: a ``BucketNeed`` becomes a bucket of moto's, with the files that are given."""

from __future__ import annotations

from collections.abc import Mapping

from stepworkflows_cdk.integrations.s3.needs import BucketNeed
from stepworkflows_cdk.local.world import PARTITION, World

__all__ = ["realise"]


def realise(need: BucketNeed, world: World) -> Mapping[str, str]:
    """Creates the bucket and puts the given files into it."""
    client = world.client("s3")
    client.create_bucket(Bucket=need.id)
    for key, text in world.outside.files.get(need.name, {}).items():
        client.put_object(Bucket=need.id, Key=key, Body=text.encode())
    # Known from here on: files that were there before are not told of as written.
    world.buckets[need.name] = need.id
    return {"name": need.id, "arn": f"arn:{PARTITION}:s3:::{need.id}"}
