"""What is kept of who is on call: contacts that counselors gave for themselves, and the rota.

``Contact.target`` is the one address in the database; it is a counselor's own, and no log and no page holds it.
"""

from django.db import models
from django.db.models import Q

from peerchat.accounts.models import Account
from peerchat.protocol import limits

TARGET_MAX_CHARS = limits.CONTACT_TARGET_MAX_CHARS


class ContactKind(models.TextChoices):
    WEBHOOK = "webhook"
    NTFY = "ntfy"
    EMAIL = "email"
    PAGERDUTY = "pagerduty"
    GOALERT = "goalert"


class Contact(models.Model):
    """A way to page someone. It counts once a code that was sent there came back (``verified_ms``).

    ``secret``: the key of the webhook's signature, or the token that PagerDuty or GoAlert gave. ``code_*``: the code
    under way; its hash, until when it counts (UTC ms), and the tries that are left.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="contacts")
    kind = models.CharField(max_length=9, choices=ContactKind.choices)
    target = models.CharField(max_length=TARGET_MAX_CHARS)
    secret = models.BinaryField(max_length=64, null=True)
    verified_ms = models.BigIntegerField(null=True)
    code_hash = models.BinaryField(max_length=32, null=True)
    code_until_ms = models.BigIntegerField(null=True)
    code_tries_left = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "kind", "target"], name="contact_once"),
            models.CheckConstraint(
                condition=Q(kind__in=[one.value for one in ContactKind]), name="contact_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["ntfy", "email"]) | Q(secret__isnull=False),
                name="contact_has_its_secret",
            ),
            models.CheckConstraint(
                condition=Q(code_hash__isnull=True, code_until_ms__isnull=True)
                | Q(code_hash__isnull=False, code_until_ms__isnull=False),
                name="contact_code_whole",
            ),
        ]


class Layer(models.Model):
    """One rotation of a tier: its members take turns of ``turn_days`` from ``first_day`` on.

    ``from_time`` and ``to_time`` (local, both or neither) limit it to a part of each day; it may pass midnight.
    Turns change at ``handoff``, local time.
    """

    tier = models.PositiveSmallIntegerField()
    time_zone = models.CharField(max_length=64)
    first_day = models.DateField()
    handoff = models.TimeField()
    turn_days = models.PositiveSmallIntegerField(default=7)
    from_time = models.TimeField(null=True)
    to_time = models.TimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(turn_days__gte=1), name="layer_turns_take_time"),
            models.CheckConstraint(
                condition=Q(from_time__isnull=True, to_time__isnull=True)
                | (Q(from_time__isnull=False, to_time__isnull=False) & ~Q(from_time=models.F("to_time"))),
                name="layer_hours_whole",
            ),
        ]


class LayerMember(models.Model):
    """Whose turn it is, by order."""

    layer = models.ForeignKey(Layer, on_delete=models.CASCADE, related_name="members")
    position = models.PositiveSmallIntegerField()
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["layer", "position"], name="layer_position_once")]


class Shift(models.Model):
    """A stretch of time by name (UTC ms). ``replaces``: nobody else of the tier is on call meanwhile: an override or a
    swap. ``source``: the calendar that it was imported from; empty when made by hand."""

    tier = models.PositiveSmallIntegerField()
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    starts_ms = models.BigIntegerField()
    ends_ms = models.BigIntegerField(db_index=True)
    replaces = models.BooleanField(default=False)
    source = models.CharField(max_length=40, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_ms__gt=models.F("starts_ms")), name="shift_takes_time")
        ]


class OffDuty(models.Model):
    """Who went off duty: not paged, whatever the rota says, until they come back."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="+")
    since_ms = models.BigIntegerField()
