"""What is kept of escalations: a status, times, and sealed bytes. No handle, no text, no address.

``Case`` is the pure machine's ``Snapshot`` with who raised it; the constraints are the machine's promises, kept by the
database too. Moments are UTC milliseconds since 1970, as the machine reckons.
"""

from django.db import models
from django.db.models import Q

from moderation.escalation.terms import ENDED, HELD, OPEN, Note, Outcome, Status
from moderation.oncall.models import Contact
from peerchat.accounts.models import Account, Device
from peerchat.protocol import limits

_OPEN = Q(status__in=sorted(OPEN))
_HELD = Q(status__in=sorted(HELD))
_ENDED = Q(status__in=sorted(ENDED))


class BoxKey(models.Model):
    """A weekly X25519 key of a counselor or leader, with the statement that its device signed, verbatim."""

    key = models.BinaryField(max_length=32, unique=True)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="box_keys")
    body = models.BinaryField(max_length=1024)
    signature = models.BinaryField(max_length=64)
    community_index = models.PositiveBigIntegerField()
    made_ms = models.BigIntegerField()
    ends_ms = models.BigIntegerField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_ms__gt=models.F("made_ms")), name="box_key_has_a_time"),
        ]


class Case(models.Model):
    """One escalation. ``raiser`` and ``sealed`` are erased at ``erase_ms``, 7 days after the end.

    ``for_other``: a leader asks for someone. ``sealed_hash`` tells a repeated request from another one under the same
    id, and stays. ``log_index``: the newest entry's. The row is the lock of all that belongs to it.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    raiser = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    drill = models.BooleanField(default=False)
    for_other = models.BooleanField(default=False)
    sealed = models.BinaryField(null=True)
    sealed_hash = models.BinaryField(max_length=32)
    status = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Status])
    raised_ms = models.BigIntegerField()
    since_ms = models.BigIntegerField()
    deadline_ms = models.BigIntegerField(null=True)
    set_ms = models.BigIntegerField()
    tier = models.SmallIntegerField(default=-1)
    tier_until_ms = models.BigIntegerField(default=0)
    page_ms = models.BigIntegerField(default=0)
    failed = models.JSONField(default=list)
    known = models.JSONField(default=list)
    holder = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+")
    offered_to = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=12, null=True)  # noqa: DJ001 - NULL says not closed
    ended_ms = models.BigIntegerField(null=True)
    erase_ms = models.BigIntegerField(null=True, db_index=True)
    log_index = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["deadline_ms"], condition=_OPEN, name="case_due"),
            models.Index(fields=["raised_ms"], condition=_OPEN, name="case_open"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[one.value for one in Status]), name="case_status_known"
            ),
            models.CheckConstraint(
                condition=(_OPEN & Q(deadline_ms__isnull=False)) | (_ENDED & Q(deadline_ms__isnull=True)),
                name="case_never_silent",
            ),
            models.CheckConstraint(
                condition=(_HELD & Q(holder__isnull=False))
                | _ENDED
                | (_OPEN & ~_HELD & Q(holder__isnull=True)),
                name="case_held_by_a_person",
            ),
            models.CheckConstraint(
                condition=Q(offered_to__isnull=True) | _HELD, name="case_offered_by_its_holder"
            ),
            models.CheckConstraint(
                condition=Q(
                    status=Status.CLOSED.value,
                    # Said apart: a check that comes to NULL passes.
                    outcome__isnull=False,
                    outcome__in=[one.value for one in Outcome],
                )
                | (~Q(status=Status.CLOSED.value) & Q(outcome__isnull=True)),
                name="case_closed_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=(_OPEN & Q(ended_ms__isnull=True, erase_ms__isnull=True))
                | (_ENDED & Q(ended_ms__isnull=False)),
                name="case_ended_at_a_time",
            ),
            models.CheckConstraint(
                condition=_ENDED | Q(sealed__isnull=False) | Q(drill=True), name="case_open_is_whole"
            ),
            models.UniqueConstraint(
                fields=["raiser"],
                condition=_OPEN & Q(for_other=False, drill=False),
                name="case_one_open_for_oneself",
            ),
        ]


class CaseBox(models.Model):
    """The content key of a case, sealed to one box key."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="boxes")
    box_key = models.ForeignKey(BoxKey, on_delete=models.PROTECT, related_name="+")
    sealed = models.BinaryField(max_length=limits.CASE_BOX_MAX_BYTES)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "box_key"], name="case_box_once")]


class CaseEntry(models.Model):
    """One line of a case's log: what happened, and what did not. ``person``: a counselor, never the raiser."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="entries")
    index = models.PositiveIntegerField()
    note = models.CharField(max_length=20)
    at_ms = models.BigIntegerField()
    tier = models.SmallIntegerField(null=True)
    contact_number = models.BigIntegerField(null=True)
    person = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "index"], name="case_entry_once"),
            models.CheckConstraint(
                condition=Q(note__in=[one.value for one in Note]), name="case_entry_note_known"
            ),
        ]


class PageState(models.TextChoices):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    STOPPED = "stopped"


class Page(models.Model):
    """The outbox: one row for each contact of a case, armed again by each repeat (``round``).

    ``due_ms``: when it may be sent. ``lease_ms``: until when a sender that took it has time; 0 when none has it.
    ``attempts`` counts within the round.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="pages")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="pages")
    round = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=8, choices=PageState.choices, default=PageState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_ms = models.BigIntegerField()
    armed_ms = models.BigIntegerField()
    lease_ms = models.BigIntegerField(default=0)
    sent_ms = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["due_ms"], condition=Q(state="waiting"), name="page_due")]
        constraints = [
            models.UniqueConstraint(fields=["case", "contact"], name="page_once_for_each_contact"),
            models.CheckConstraint(
                condition=Q(state__in=[one.value for one in PageState]), name="page_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_ms__isnull=False), name="page_sent_at_a_time"
            ),
        ]
