"""Whether someone would come: who can be paged now, and where the rota has gaps in the week to come."""

from dataclasses import dataclass

from moderation.oncall.ladder import ladder_at
from moderation.oncall.models import Contact
from moderation.oncall.rota import STEP_MS, Gap, gaps
from moderation.oncall.stored_rota import WEEK_MS, load_rota

GAPS_MAX = 50


@dataclass(frozen=True, slots=True)
class Coverage:
    """``reachable``: people with a verified contact on duty now; ``gaps`` of the coming week, by tier and time."""

    reachable: int
    gaps: tuple[Gap, ...]


def coverage_at(now: int) -> Coverage:
    """Return the coverage from ``now`` (UTC ms) on."""
    everyone = {contact for tier in ladder_at(now) for contact in tier}
    people = Contact.objects.filter(id__in=everyone).values("account_id").distinct().count()
    start = now - now % STEP_MS
    found = list(gaps(load_rota(around=now, ahead_ms=WEEK_MS), starts=start, ends=start + WEEK_MS))
    return Coverage(reachable=people, gaps=tuple(found[:GAPS_MAX]))
