"""A bucket need becomes an S3 bucket, or the caller's own bucket is taken for it."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.acknowledgements import acknowledge
from stepworkflows_cdk.constructs.bound import Bound
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.s3.needs import BucketNeed

__all__ = ["bind"]

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#require-sse-kms
_KEY_ACTIONS = {
    "s3:GetObject": ("kms:Decrypt",),
    "s3:PutObject": ("kms:Decrypt", "kms:GenerateDataKey"),
}


def bind(scope: Construct, need: BucketNeed, given: object | None) -> Bound:
    """Attributes: ``name``, ``arn``, and ``key_arn`` for a bucket with a KMS key of its own.

    A bucket made here is private, takes TLS only, encrypts with keys of S3 (or the stack's, where its profile demands
    that), keeps the versions of each file, logs who
    reads and writes into the stack's bucket for that, and outlives its stack.
    """
    bucket = _created(scope) if given is None else _adopted(need, given)
    attributes = {"name": bucket.bucket_name, "arn": bucket.bucket_arn}
    key = bucket.encryption_key
    if key is None:
        return Bound(construct=bucket, attributes=attributes)
    return Bound(construct=bucket, attributes={**attributes, "key_arn": key.key_arn}, key_actions=_KEY_ACTIONS)


def _created(scope: Construct) -> s3.IBucket:
    key = sharing.key(scope)
    bucket = s3.Bucket(
        scope,
        "Bucket",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
        encryption_key=key,
        # One call of KMS for many files: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
        bucket_key_enabled=True if key is not None else None,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        versioned=True,
        # What a broken upload left behind is paid for, and not seen.
        lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=cdk.Duration.days(7))],
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )
    acknowledge(bucket, "bucket-copies")
    acknowledge(bucket, "bucket-lock")
    # Set on the resource: in apps without a certain feature flag the L2 property would ask for access lists, which the
    # bucket for logs does not have.
    cast(s3.CfnBucket, bucket.node.default_child).logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
        destination_bucket_name=sharing.access_logs(scope).bucket_name, log_file_prefix=f"{scope.node.path}/"
    )
    return bucket


def _adopted(need: BucketNeed, given: object) -> s3.IBucket:
    if not (hasattr(given, "bucket_arn") and hasattr(given, "bucket_name")):
        raise ConfigurationError(
            f"resources: {need.name!r} is a bucket; pass an s3.IBucket, not {type(given).__name__}"
        )
    return cast(s3.IBucket, given)
