"""Contains all the data models used in inputs/outputs"""

from .change import Change
from .check import Check
from .chosen import Chosen
from .config import Config
from .config_diff import ConfigDiff
from .config_health import ConfigHealth
from .config_page import ConfigPage
from .config_patch import ConfigPatch
from .config_revision import ConfigRevision
from .config_stats import ConfigStats
from .dependency_health import DependencyHealth
from .dependency_health_status import DependencyHealthStatus
from .document import Document
from .explained import Explained
from .explained_loop_parts import ExplainedLoopParts
from .explained_reason import ExplainedReason
from .explained_skipped import ExplainedSkipped
from .field_error import FieldError
from .finding import Finding
from .group_quality import GroupQuality
from .header_field import HeaderField
from .health import Health
from .key import Key
from .key_page import KeyPage
from .key_request import KeyRequest
from .kind import Kind
from .loop import Loop
from .loop_answer import LoopAnswer
from .loop_config import LoopConfig
from .loop_config_idle import LoopConfigIdle
from .loop_event import LoopEvent
from .loop_event_why import LoopEventWhy
from .loop_patch import LoopPatch
from .loop_seen import LoopSeen
from .loop_share import LoopShare
from .loop_target import LoopTarget
from .new_config import NewConfig
from .new_key import NewKey
from .new_rules import NewRules
from .outcome import Outcome
from .parameter import Parameter
from .place import Place
from .policy_name import PolicyName
from .preview import Preview
from .preview_request import PreviewRequest
from .problem import Problem
from .problem_type import ProblemType
from .quality_answer import QualityAnswer
from .quality_figures import QualityFigures
from .quality_figures_errors import QualityFiguresErrors
from .read_quality_window import ReadQualityWindow
from .readiness import Readiness
from .readiness_status import ReadinessStatus
from .refusal_reason import RefusalReason
from .request_preview import RequestPreview
from .revision_page import RevisionPage
from .role_name import RoleName
from .rollback import Rollback
from .rule_change import RuleChange
from .rule_item import RuleItem
from .rule_list import RuleList
from .rules_diff import RulesDiff
from .rules_entry import RulesEntry
from .rules_page import RulesPage
from .rules_preview import RulesPreview
from .rules_preview_request import RulesPreviewRequest
from .rules_revision import RulesRevision
from .rules_rollback import RulesRollback
from .sample_request import SampleRequest
from .sample_request_headers import SampleRequestHeaders
from .scheme import Scheme
from .setting_list import SettingList
from .setting_state import SettingState
from .skipped_reason import SkippedReason
from .stats_answer import StatsAnswer
from .stats_answer_rate_limited import StatsAnswerRateLimited
from .stats_answer_refusals import StatsAnswerRefusals
from .stats_answer_scope import StatsAnswerScope
from .stats_quality import StatsQuality
from .target import Target
from .target_diff import TargetDiff
from .target_edit import TargetEdit
from .target_list import TargetList
from .target_patch import TargetPatch
from .target_quality import TargetQuality
from .target_share import TargetShare
from .target_state import TargetState
from .target_state_kind import TargetStateKind
from .target_state_loop_why import TargetStateLoopWhy
from .target_state_verdict import TargetStateVerdict
from .target_stats import TargetStats
from .target_stats_verdict import TargetStatsVerdict
from .video_route import VideoRoute
from .visitor import Visitor
from .when import When

__all__ = (
    "Change",
    "Check",
    "Chosen",
    "Config",
    "ConfigDiff",
    "ConfigHealth",
    "ConfigPage",
    "ConfigPatch",
    "ConfigRevision",
    "ConfigStats",
    "DependencyHealth",
    "DependencyHealthStatus",
    "Document",
    "Explained",
    "ExplainedLoopParts",
    "ExplainedReason",
    "ExplainedSkipped",
    "FieldError",
    "Finding",
    "GroupQuality",
    "HeaderField",
    "Health",
    "Key",
    "KeyPage",
    "KeyRequest",
    "Kind",
    "Loop",
    "LoopAnswer",
    "LoopConfig",
    "LoopConfigIdle",
    "LoopEvent",
    "LoopEventWhy",
    "LoopPatch",
    "LoopSeen",
    "LoopShare",
    "LoopTarget",
    "NewConfig",
    "NewKey",
    "NewRules",
    "Outcome",
    "Parameter",
    "Place",
    "PolicyName",
    "Preview",
    "PreviewRequest",
    "Problem",
    "ProblemType",
    "QualityAnswer",
    "QualityFigures",
    "QualityFiguresErrors",
    "Readiness",
    "ReadinessStatus",
    "ReadQualityWindow",
    "RefusalReason",
    "RequestPreview",
    "RevisionPage",
    "RoleName",
    "Rollback",
    "RuleChange",
    "RuleItem",
    "RuleList",
    "RulesDiff",
    "RulesEntry",
    "RulesPage",
    "RulesPreview",
    "RulesPreviewRequest",
    "RulesRevision",
    "RulesRollback",
    "SampleRequest",
    "SampleRequestHeaders",
    "Scheme",
    "SettingList",
    "SettingState",
    "SkippedReason",
    "StatsAnswer",
    "StatsAnswerRateLimited",
    "StatsAnswerRefusals",
    "StatsAnswerScope",
    "StatsQuality",
    "Target",
    "TargetDiff",
    "TargetEdit",
    "TargetList",
    "TargetPatch",
    "TargetQuality",
    "TargetShare",
    "TargetState",
    "TargetStateKind",
    "TargetStateLoopWhy",
    "TargetStateVerdict",
    "TargetStats",
    "TargetStatsVerdict",
    "VideoRoute",
    "Visitor",
    "When",
)
