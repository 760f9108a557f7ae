"""The targets of all configs: whether they can be reached from here, and how long their certificates last."""

import asyncio
from datetime import UTC, datetime

from dishka import AsyncContainer

from balancer.cli.doctor.findings import Finding, Level
from balancer.core.configs.checks import Check
from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.ports import CdnConfigs
from balancer.core.configs.targets import Scheme, Target
from balancer.core.health.ports import Prober
from balancer.core.health.verdicts import Failure, Outcome
from balancer.core.health.watching import probe_of

PATIENCE = 5.0
"""Seconds that a target without a check may take."""

EXPIRY_WARNING = 14
"""Days before the certificate of a target without a check ends, from which on there is a warning."""

MAX_TARGETS = 1000
"""Targets that are looked at."""

PAGE = 200

_ANSWERED = {Failure.STATUS, Failure.TEXT}


async def targets(parts: AsyncContainer) -> list[Finding]:
    """Return what was found of each enabled target that has a host or a check of its own."""
    configs: CdnConfigs = await parts.get(CdnConfigs)
    prober: Prober = await parts.get(Prober)
    asked = [
        (config, target, check)
        for config in await _all(configs)
        for target in config.document.targets
        if (check := question(target))
    ][:MAX_TARGETS]
    # Targets with the same question share an answer.
    questions = list({check for _, _, check in asked})
    outcomes = dict(zip(questions, await asyncio.gather(*map(prober.probe, questions)), strict=True))
    now = datetime.now(UTC)
    return [target_found(config, target, outcomes[check], now) for config, target, check in asked]


async def _all(configs: CdnConfigs) -> list[CdnConfig]:
    found: list[CdnConfig] = []
    while page := await configs.page(found[-1].id if found else 0, PAGE):
        found += page
    return found


def question(target: Target) -> Check | None:
    """Return what to ask a target: its check, else anything; None where it is disabled, or an origin without one."""
    if not target.enabled or target.check or not target.host:
        return probe_of(target)
    is_https = target.scheme is Scheme.HTTPS or (target.scheme is Scheme.KEEP and target.host.endswith(":443"))
    url = f"{'https' if is_https else 'http'}://{target.host}/"
    return Check(url=url, interval=PATIENCE, timeout=PATIENCE)


def target_found(config: CdnConfig, target: Target, outcome: Outcome, now: datetime) -> Finding:
    """Return what is to be said of a target that was asked."""
    subject = f"target {target.name} of config {config.id}"
    if outcome.failure is Failure.CERTIFICATE:
        return Finding(Level.FAIL, subject, outcome.why, "Renew its certificate, or correct its host.")
    if outcome.failure and not (target.check is None and outcome.failure in _ANSWERED):
        what = "See whether it runs, and whether this machine may reach it."
        advice = "Correct the check, or what it asks." if outcome.failure in _ANSWERED else what
        return Finding(Level.FAIL, subject, outcome.why, advice)
    text = f"{outcome.why} in {outcome.latency * 1000:.1f} ms"
    if outcome.certificate_ends is None:
        return Finding(Level.OK, subject, text)
    days = (outcome.certificate_ends - now).total_seconds() / 86_400
    text += f"; its certificate ends in {days:.0f} days"
    soon = target.check.expiry_warning if target.check else EXPIRY_WARNING
    if days < soon:
        return Finding(Level.FAIL if days < 0 else Level.WARN, subject, text, "Renew its certificate.")
    return Finding(Level.OK, subject, text)
