"""Jobs that a step begins and whose end it waits for: ``call: glue:startJobRun.sync``. What of it Step Functions has, and
what a machine may do for it, as data.

The list of integrations, with the pages on each: https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html.
The pattern: https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync. The permissions, by
service: https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html#athena-iam, ``connect-batch.html#batch-iam``,
``connect-bedrock.html#bedrock-iam``, ``connect-codebuild.html#codebuild-iam``, ``connect-databrew.html#databrew-iam``,
``connect-emr-eks.html#emr-eks-iam``, ``connect-emr-serverless.html#emr-serverless-iam``, ``connect-glue.html#glue-iam``,
``connect-mediaconvert.html#mediaconvert-iam``, ``connect-sagemaker.html#sagemaker-iam``; where these pages say ``*``, what the
Service Authorization Reference takes instead. What a job does itself, it may by a role of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["JOBS", "Job", "On"]


@dataclass(frozen=True)
class On:
    """Actions, without the service's prefix, on a resource.

    ``{Name}`` in the ARN is the parameter of that name, ``{Name=x}`` has the value that AWS takes where it is left out; a
    resource whose parameter is left out is not needed. A parameter may give a whole ARN. ``revisions``: a name without a
    number behind it stands for all that have one.
    """

    arn: str
    actions: str
    revisions: bool = False


@dataclass(frozen=True)
class Job:
    """``service`` as the SDK integrations call it. ``rule`` is the rule of EventBridge by which Step Functions hears of the
    job's end, empty where it asks for it.

    ``role`` is the parameter with the role that the job gets, ``passed_to`` the service that it is passed to; without one,
    ``role_key`` is the condition key of the first permission that has the role as its value.
    """

    service: str
    on: tuple[On, ...]
    rule: str = ""
    role: str = ""
    passed_to: str = ""
    role_key: str = ""


def _sagemaker(kind: str, type_: str, rule: str, role: str = "RoleArn") -> Job:
    actions = f"Create{kind} Describe{kind} Stop{kind} ListTags AddTags"
    arn = f"arn:aws:sagemaker:REGION:ACCOUNT_ID:{type_}/{{{kind}Name}}"
    on = On(arn, actions)
    return Job(
        "sagemaker",
        (on,),
        f"StepFunctionsGetEventsForSageMaker{rule}JobsRule",
        role,
        "sagemaker.amazonaws.com" if role else "",
    )


_PROJECT = "arn:aws:codebuild:REGION:ACCOUNT_ID:project/{ProjectName}"
_APPLICATION = "arn:aws:emr-serverless:REGION:ACCOUNT_ID:/applications/{ApplicationId}"
_CLUSTER = "arn:aws:emr-containers:REGION:ACCOUNT_ID:/virtualclusters/{VirtualClusterId}"

JOBS: Mapping[str, Job] = {
    "athena:startQueryExecution": Job(
        "athena",
        (
            On(
                "arn:aws:athena:REGION:ACCOUNT_ID:workgroup/{WorkGroup=primary}",
                "StartQueryExecution StopQueryExecution GetQueryExecution",
            ),
            On(
                "arn:aws:athena:REGION:ACCOUNT_ID:datacatalog/{QueryExecutionContext.Catalog=AwsDataCatalog}",
                "GetDataCatalog",
            ),
        ),
    ),
    "batch:submitJob": Job(
        "batch",
        (
            On("arn:aws:batch:REGION:ACCOUNT_ID:job-queue/{JobQueue}", "SubmitJob"),
            On("arn:aws:batch:REGION:ACCOUNT_ID:job-definition/{JobDefinition}", "SubmitJob", revisions=True),
            On("*", "DescribeJobs"),
            On("arn:aws:batch:REGION:ACCOUNT_ID:job/*", "TerminateJob"),
        ),
        "StepFunctionsGetEventsForBatchJobsRule",
    ),
    "bedrock:createModelCustomizationJob": Job(
        "bedrock",
        (
            On("arn:aws:bedrock:REGION::foundation-model/{BaseModelIdentifier}", "CreateModelCustomizationJob"),
            On("arn:aws:bedrock:REGION:ACCOUNT_ID:custom-model/*", "CreateModelCustomizationJob"),
            On(
                "arn:aws:bedrock:REGION:ACCOUNT_ID:model-customization-job/*",
                "GetModelCustomizationJob StopModelCustomizationJob",
            ),
        ),
        role="RoleArn",
        passed_to="bedrock.amazonaws.com",
    ),
    "codebuild:startBuild": Job(
        "codebuild",
        (On(_PROJECT, "StartBuild StopBuild BatchGetBuilds"),),
        "StepFunctionsGetEventForCodeBuildStartBuildRule",
    ),
    "codebuild:startBuildBatch": Job(
        "codebuild",
        (On(_PROJECT, "StartBuildBatch StopBuildBatch BatchGetBuildBatches"),),
        "StepFunctionsGetEventForCodeBuildStartBuildBatchRule",
    ),
    "databrew:startJobRun": Job(
        "databrew",
        (On("arn:aws:databrew:REGION:ACCOUNT_ID:job/{Name}", "StartJobRun ListJobRuns StopJobRun"),),
    ),
    "emr-containers:deleteVirtualCluster": Job(
        "emrcontainers",
        (
            On(
                "arn:aws:emr-containers:REGION:ACCOUNT_ID:/virtualclusters/{Id}",
                "DeleteVirtualCluster DescribeVirtualCluster",
            ),
        ),
    ),
    "emr-containers:startJobRun": Job(
        "emrcontainers",
        (On(_CLUSTER, "StartJobRun"), On(f"{_CLUSTER}/jobruns/*", "DescribeJobRun CancelJobRun")),
        role="ExecutionRoleArn",
        role_key="emr-containers:ExecutionRoleArn",
    ),
    "emr-serverless:deleteApplication": Job(
        "emrserverless",
        (On(_APPLICATION, "DeleteApplication GetApplication"),),
        "StepFunctionsGetEventsForEMRServerlessApplicationRule",
    ),
    "emr-serverless:startApplication": Job(
        "emrserverless",
        (On(_APPLICATION, "StartApplication GetApplication StopApplication"),),
        "StepFunctionsGetEventsForEMRServerlessApplicationRule",
    ),
    "emr-serverless:startJobRun": Job(
        "emrserverless",
        (On(_APPLICATION, "StartJobRun"), On(f"{_APPLICATION}/jobruns/*", "GetJobRun CancelJobRun")),
        "StepFunctionsGetEventsForEMRServerlessJobRule",
        "ExecutionRoleArn",
        "emr-serverless.amazonaws.com",
    ),
    "emr-serverless:stopApplication": Job(
        "emrserverless",
        (On(_APPLICATION, "StopApplication GetApplication"),),
        "StepFunctionsGetEventsForEMRServerlessApplicationRule",
    ),
    "glue:startJobRun": Job(
        "glue",
        (On("arn:aws:glue:REGION:ACCOUNT_ID:job/{JobName}", "StartJobRun GetJobRun GetJobRuns BatchStopJobRun"),),
    ),
    "mediaconvert:createJob": Job(
        "mediaconvert",
        (
            On("arn:aws:mediaconvert:REGION:ACCOUNT_ID:queues/{Queue=Default}", "CreateJob"),
            On("arn:aws:mediaconvert:REGION:ACCOUNT_ID:jobTemplates/{JobTemplate}", "CreateJob"),
            On("arn:aws:mediaconvert:REGION:ACCOUNT_ID:jobs/*", "GetJob CancelJob"),
        ),
        "StepFunctionsGetEventsForMediaConvertJobRule",
        "Role",
        "mediaconvert.amazonaws.com",
    ),
    "sagemaker:createHyperParameterTuningJob": _sagemaker(
        "HyperParameterTuningJob", "hyper-parameter-tuning-job", "Tuning", "TrainingJobDefinition.RoleArn"
    ),
    "sagemaker:createProcessingJob": _sagemaker("ProcessingJob", "processing-job", "Processing"),
    "sagemaker:createTrainingJob": _sagemaker("TrainingJob", "training-job", "Training"),
    "sagemaker:createTransformJob": _sagemaker("TransformJob", "transform-job", "Transform", ""),
}
"""The action as it stands in the ``Resource`` of a task, without ``.sync`` -> the job."""
