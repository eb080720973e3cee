"""``resources: {uploads: {type: bucket}}``: buckets, and what steps may do on them and on the files in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Hole, Need, Text, need_id
from stepworkflows_cdk.integrations.s3.needs import BucketNeed
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.model import Keys

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["BucketKeys", "Buckets"]


class BucketKeys(Keys):
    """A bucket for files: private, encrypted, with versions; reads and writes are logged."""


class Buckets(Integration):
    """S3: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html."""

    resource_types = {"bucket": BucketKeys}
    access = {
        "read": ("s3:GetObject", "s3:ListBucket"),
        "write": ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"),
    }
    needs = (BucketNeed,)

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        return BucketNeed(id=need_id("bucket", name), mark=mark, name=name)

    def identity(self, need: Need) -> Text:
        return Text((Hole(need.id, "name"),))

    def arn(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def arn_for(self, need: Need, action: str) -> Text:
        """The bucket, or all files in it, as the action takes them."""
        return Text((*self.arn(need).parts, "/*")) if on_files(action) else self.arn(need)

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.s3.cdk import bind

        assert isinstance(need, BucketNeed)
        return bind(scope, need, given)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        from stepworkflows_cdk.integrations.s3.local import realise

        assert isinstance(need, BucketNeed)
        return realise(need, world)


def on_files(action: str) -> bool:
    """Whether an IAM action is on files, not on their bucket. The names of nearly all such actions say it."""
    name = action.partition(":")[2]
    return name in _WITHOUT_OBJECT or ("Object" in name and "Bucket" not in name)


_WITHOUT_OBJECT = frozenset({"AbortMultipartUpload", "BypassGovernanceRetention", "ListMultipartUploadParts"})
