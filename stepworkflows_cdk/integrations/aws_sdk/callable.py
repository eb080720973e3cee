"""What Step Functions does not call, though AWS's models have it.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html lists the services and, for each, the
operations that it leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service

__all__ = ["not_called"]

# Services that the list lacks. The first ones have an endpoint for each of their users, which a state cannot name.
_SERVICES = frozenset(
    """
    apigatewaymanagementapi cloudsearchdomain iotdataplane mediastoredata
    chatbot globalaccelerator importexport machinelearning marketplaceagreement signerdata simpledb ssmguiconnect
    """.split()
)
# Operations that the list leaves out; those that stream are seen in the models.
_OPERATIONS: Mapping[str, frozenset[str]] = {
    "applicationdiscovery": frozenset({"DescribeExportConfigurations", "ExportConfigurations"}),
    "codedeploy": frozenset(
        {
            "BatchGetDeploymentInstances",
            "GetDeploymentInstance",
            "ListDeploymentInstances",
            "SkipWaitTimeForInstanceTermination",
        }
    ),
    "comprehendmedical": frozenset({"DetectEntities"}),
    "dataexchange": frozenset({"SendApiAsset"}),
    "directconnect": frozenset(
        {
            "AllocateConnectionOnInterconnect",
            "DescribeConnectionLoa",
            "DescribeConnectionsOnInterconnect",
            "DescribeInterconnectLoa",
        }
    ),
    "efs": frozenset({"CreateTags"}),
    "emr": frozenset({"DescribeJobFlows"}),
    "iot": frozenset(
        {"AttachPrincipalPolicy", "DetachPrincipalPolicy", "ListPolicyPrincipals", "ListPrincipalPolicies"}
    ),
    "iotdeviceadvisor": frozenset({"ListTestCases"}),
    "lambda": frozenset({"InvokeAsync"}),
    "mediapackage": frozenset({"RotateChannelCredentials"}),
    "rdsdata": frozenset({"ExecuteSql"}),
    "shield": frozenset({"DeleteSubscription"}),
    "sts": frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}),
}


def not_called(service: Service, operation: Operation | None) -> tuple[str, str] | None:
    """What is not called, the service or the operation, and what to do instead; None where it is called."""
    if service.name in _SERVICES:
        return f"Step Functions does not call the service `{service.name}`", "call it in code: `runs-on: lambda`"
    if operation is None:
        return None
    if operation.name in _OPERATIONS.get(service.name, ()):
        if service.name == "sts":
            return _said(service, operation), "give a role to the step's work: credentials are no data of an execution"
        return _said(service, operation), "call it in code: `runs-on: lambda`"
    if any(_streams(service, name) for name in (operation.input, operation.output) if name):
        return f"{_said(service, operation)}: it streams", "call the action that answers at once, or use code"
    return None


def _said(service: Service, operation: Operation) -> str:
    return f"Step Functions does not call `{operation.name}` of `{service.name}`"


def _streams(service: Service, name: str) -> bool:
    """Whether the shape is a stream of events, or has one among its members."""
    members = service.shape(name).get("members", {}).values()
    return any(service.shape(shape).get("eventstream") for shape in (name, *(member["shape"] for member in members)))
