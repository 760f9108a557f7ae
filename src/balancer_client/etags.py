"""The entity tags that `If-Match` takes, so that a change is made to what was read and to nothing else."""

from balancer_client.generated.models.config import Config
from balancer_client.generated.models.config_revision import ConfigRevision
from balancer_client.generated.models.preview import Preview
from balancer_client.generated.models.rule_list import RuleList


def etag(read: Config | ConfigRevision | Preview | RuleList) -> str:
    """Return the entity tag of what was read: `"1-7"` for revision 7 of config 1, `"rules-3"` for rules."""
    subject = "rules" if isinstance(read, RuleList) else read.id
    return f'"{subject}-{read.revision}"'
