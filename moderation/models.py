"""What moderation keeps: who does what is due by the clock, and what its parts keep in modules of their own."""

from django.db import models

from moderation.escalation.models import BoxKey, Case, CaseBox, CaseEntry, Page
from moderation.oncall.models import Contact, Layer, LayerMember, OffDuty, Shift

__all__ = [
    "BoxKey",
    "Case",
    "CaseBox",
    "CaseEntry",
    "Contact",
    "KeeperLease",
    "Layer",
    "LayerMember",
    "OffDuty",
    "Page",
    "Shift",
]


class KeeperLease(models.Model):
    """One row, made at its first use: which process is the live keeper, and until when.

    ``holder`` is a random name of a process's life, no address. ``term`` grows with each holder, so that one who comes
    back late is told from itself (``moderation.lease``).
    """

    name = models.CharField(max_length=16, primary_key=True)
    holder = models.CharField(max_length=32)
    term = models.PositiveBigIntegerField(default=0)
    ends_at = models.DateTimeField()
