"""What moderation keeps by itself: so far, who does what is due by the clock."""

from django.db import models


class KeeperLease(models.Model):
    """One row, made at its first use: which process is the live keeper, and until when.

    ``holder`` is a random name of a process's life, no address. ``term`` grows with each holder, so that one who comes
    back late is told from itself (``moderation.lease``).
    """

    name = models.CharField(max_length=16, primary_key=True)
    holder = models.CharField(max_length=32)
    term = models.PositiveBigIntegerField(default=0)
    ends_at = models.DateTimeField()
