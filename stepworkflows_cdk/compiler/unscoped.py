"""Actions that read, and for which IAM takes no other resource than ``*``: AWS has no resource type for them.

Of services that flows call for what they know or find. From the Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

__all__ = ["UNSCOPED"]

_NAMES = {
    "autoscaling": "DescribeAutoScalingGroups DescribeAutoScalingInstances DescribeScalingActivities",
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
