"""Actions that are allowed on more than one thing that a document names.

Those that read, and for which IAM takes no other resource than ``*``: AWS has no resource type for them; of services that
flows call for what they know or find. And those on jobs. From the Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

__all__ = ["JOB_ACTIONS", "UNSCOPED"]

_NAMES = {
    "autoscaling": "DescribeAutoScalingGroups DescribeAutoScalingInstances DescribeScalingActivities",
    "batch": "DescribeJobs",
    "cloudwatch": "GetMetricData GetMetricStatistics ListMetrics",
    "comprehend": """
        BatchDetectDominantLanguage BatchDetectEntities BatchDetectKeyPhrases BatchDetectSentiment BatchDetectSyntax
        ContainsPiiEntities DetectDominantLanguage DetectKeyPhrases DetectPiiEntities DetectSentiment DetectSyntax
        DetectTargetedSentiment DetectToxicContent
    """,
    "ec2": """
        DescribeImages DescribeInstances DescribeInstanceTypes DescribeNetworkAcls DescribeRouteTables
        DescribeSecurityGroups DescribeSnapshots DescribeTags DescribeVolumes DescribeVpcs
    """,
    "organizations": "DescribeCreateAccountStatus DescribeOrganization ListAccounts ListRoots",
    "polly": "DescribeVoices GetSpeechSynthesisTask ListSpeechSynthesisTasks",
    "rekognition": """
        CompareFaces DetectFaces DetectLabels DetectProtectiveEquipment DetectText GetCelebrityRecognition
        GetContentModeration GetFaceDetection GetFaceSearch GetLabelDetection GetPersonTracking GetSegmentDetection
        GetTextDetection RecognizeCelebrities
    """,
    "textract": """
        AnalyzeDocument AnalyzeExpense AnalyzeID DetectDocumentText GetDocumentAnalysis GetDocumentTextDetection
        GetExpenseAnalysis GetLendingAnalysis
    """,
    "translate": "DescribeTextTranslationJob ListLanguages ListTextTranslationJobs",
}

UNSCOPED = frozenset(f"{service}:{name}" for service, names in _NAMES.items() for name in names.split())

JOB_ACTIONS = tuple(
    f"{service}:{name}"
    for service, names in {
        "athena": "GetDataCatalog GetQueryExecution StartQueryExecution StopQueryExecution",
        "batch": "SubmitJob TerminateJob",
        "bedrock": "CreateModelCustomizationJob GetModelCustomizationJob StopModelCustomizationJob",
        "codebuild": "BatchGetBuildBatches BatchGetBuilds StartBuild StartBuildBatch StopBuild StopBuildBatch",
        "databrew": "ListJobRuns StartJobRun StopJobRun",
        "emr-containers": "CancelJobRun DeleteVirtualCluster DescribeJobRun DescribeVirtualCluster StartJobRun",
        "emr-serverless": """
            CancelJobRun DeleteApplication GetApplication GetJobRun StartApplication StartJobRun StopApplication
        """,
        "glue": "BatchStopJobRun GetJobRun GetJobRuns StartJobRun",
        "mediaconvert": "CancelJob CreateJob GetJob",
        "sagemaker": """
            AddTags CreateHyperParameterTuningJob CreateProcessingJob CreateTrainingJob CreateTransformJob
            DescribeHyperParameterTuningJob DescribeProcessingJob DescribeTrainingJob DescribeTransformJob
            ListTags StopHyperParameterTuningJob StopProcessingJob StopTrainingJob StopTransformJob
        """,
    }.items()
    for name in names.split()
)
"""Actions on jobs that a flow begins and waits for, whose names or ids may be known only while it runs."""
