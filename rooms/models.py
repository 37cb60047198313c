"""What is kept of rooms: bookkeeping for delivery, and ciphertext. Invariants are constraints here first.

What people decided stands in ``RoomEntry``, verbatim and signed; ``Room``, ``Membership`` and ``GroupLeaf`` are its
projection (and the server's own notes on what the next commit should do). Clients believe the entries, never the
projection. Only ``access`` fetches a ``Room``.
"""

from datetime import datetime

from django.db import models
from django.db.models import Q

from peerchat.accounts.models import Account, Device, Invite
from peerchat.protocol import limits
from peerchat.protocol.signed import RoomRole


class Room(models.Model):
    """A room; its row is the lock under which its ``seq``, ``epoch`` and log grow.

    ``last_seq``: the newest item. ``floor``: no message and no commit below it is left. ``log_*``: the head of the log
    and its time (UTC ms). ``commit_*_index``: the heads in the newest commit's header, which never go back.
    ``nominee``: the device that is asked, until ``nominee_until``, to carry out what is pending.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=limits.ROOM_NAME_MAX_CHARS)
    group_id = models.UUIDField(unique=True)
    epoch = models.PositiveBigIntegerField(default=0)
    last_seq = models.PositiveBigIntegerField(default=0)
    floor = models.PositiveBigIntegerField(default=0)
    log_index = models.PositiveBigIntegerField(default=0)
    log_hash = models.BinaryField(max_length=32)
    log_at_ms = models.BigIntegerField()
    community_index = models.PositiveBigIntegerField()
    commit_community_index = models.PositiveBigIntegerField(default=0)
    commit_log_index = models.PositiveBigIntegerField(default=0)
    locked = models.BooleanField(default=False)
    expiry_seconds = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    nominee = models.ForeignKey(Device, on_delete=models.SET_NULL, null=True, related_name="+")
    nominee_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expiry_seconds__gte=limits.EXPIRY_MIN_SECONDS)
                & Q(expiry_seconds__lte=limits.EXPIRY_MAX_SECONDS),
                name="room_expiry_in_bounds",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="room_named"),
            models.CheckConstraint(
                condition=Q(floor__lte=models.F("last_seq") + 1), name="room_floor_not_ahead"
            ),
            models.CheckConstraint(
                condition=Q(commit_log_index__lte=models.F("log_index")),
                name="room_commit_knows_only_the_log",
            ),
        ]


class Standing(models.TextChoices):
    """What a person is to a room. ``invited`` is no row: it is read from the account's invite."""

    WAITING = "waiting"
    MEMBER = "member"
    DECLINED = "declined"
    LEFT = "left"
    REMOVED = "removed"


class Membership(models.Model):
    """One account in one room. ``identity_key``: the one that the log admitted. ``invite`` and ``acceptance_*``: the
    room's link, where someone asks by another than the one that they signed up with."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    standing = models.CharField(max_length=8, choices=Standing.choices)
    role = models.CharField(max_length=6, default=RoomRole.MEMBER.value)
    muted = models.BooleanField(default=False)
    identity_key = models.BinaryField(max_length=32, null=True)
    asked_at = models.DateTimeField(null=True)
    invite = models.ForeignKey(Invite, on_delete=models.PROTECT, null=True, related_name="+")
    acceptance_body = models.BinaryField(null=True)
    acceptance_signature = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "account"], name="membership_once"),
            models.CheckConstraint(
                condition=Q(standing__in=[one.value for one in Standing]), name="membership_standing_known"
            ),
            models.CheckConstraint(
                condition=Q(role__in=[one.value for one in RoomRole]), name="membership_role_known"
            ),
            models.CheckConstraint(
                condition=Q(standing=Standing.MEMBER, identity_key__isnull=False)
                | (~Q(standing=Standing.MEMBER) & Q(role=RoomRole.MEMBER.value, muted=False)),
                name="membership_powers_end_with_it",
            ),
            models.CheckConstraint(
                condition=~Q(standing=Standing.WAITING) | Q(asked_at__isnull=False),
                name="membership_waiting_since",
            ),
            models.CheckConstraint(
                condition=Q(
                    invite__isnull=True, acceptance_body__isnull=True, acceptance_signature__isnull=True
                )
                | Q(invite__isnull=False, acceptance_body__isnull=False, acceptance_signature__isnull=False),
                name="membership_acceptance_whole",
            ),
        ]
        indexes = [models.Index(fields=["account", "standing"], name="membership_by_account")]


class LeafState(models.TextChoices):
    """What the server believes about a device's leaf; a device without a row has none and should get none."""

    PENDING_ADD = "pending_add"
    IN_GROUP = "in_group"
    PENDING_REMOVE = "pending_remove"


class GroupLeaf(models.Model):
    """A device's leaf in a room's group, as commits said. ``due_index``: the entry of the log that made it pending: a
    commit that carries it out must know that entry. ``first_path_due``: it joined, and its own first commit is to
    come; ``path_at``: when it last committed a bare path."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="leaves")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="leaves")
    state = models.CharField(max_length=14, choices=LeafState.choices)
    due_index = models.PositiveBigIntegerField(default=0)
    first_path_due = models.BooleanField(default=False)
    path_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "device"], name="leaf_once"),
            models.CheckConstraint(
                condition=Q(state__in=[one.value for one in LeafState]), name="leaf_state_known"
            ),
        ]


class MessageQuerySet(models.QuerySet["Message"]):
    def live(self, now: datetime) -> "MessageQuerySet":
        """Messages that are not expired at ``now``. Every read of a message goes through here."""
        return self.filter(expires_at__gt=now)


class Message(models.Model):
    """One ciphertext, wrapped again under the key of hour ``bucket_hour`` (hours since 1970): see ``shredding``."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages")
    seq = models.PositiveBigIntegerField()
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+")
    message_id = models.UUIDField()
    epoch = models.PositiveBigIntegerField()
    at_ms = models.BigIntegerField()
    expires_at = models.DateTimeField(db_index=True)
    bucket_hour = models.PositiveBigIntegerField(db_index=True)
    wrapped = models.BinaryField()

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "seq"], name="message_seq_once"),
            models.UniqueConstraint(fields=["device", "message_id"], name="message_sent_once"),
        ]


class Commit(models.Model):
    """The commit that left ``epoch``. Kept 30 days, so that a phone that slept can follow."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="commits")
    seq = models.PositiveBigIntegerField()
    epoch = models.PositiveBigIntegerField()
    at_ms = models.BigIntegerField(db_index=True)
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+")
    commit = models.BinaryField()
    commit_hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "seq"], name="commit_seq_once"),
            models.UniqueConstraint(fields=["room", "epoch"], name="commit_one_for_each_epoch"),
            models.UniqueConstraint(fields=["room", "commit_hash"], name="commit_bytes_once"),
        ]


class RoomEntry(models.Model):
    """An entry of the room's log, verbatim; ``at_ms`` is its author's, ``action`` a copy of what it says."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="entries")
    index = models.PositiveBigIntegerField()
    seq = models.PositiveBigIntegerField()
    action = models.CharField(max_length=16)
    at_ms = models.BigIntegerField()
    entry = models.BinaryField()
    body = models.BinaryField(null=True)
    signature = models.BinaryField()
    hash = models.BinaryField(max_length=32, unique=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "index"], name="room_entry_index_once"),
            models.UniqueConstraint(fields=["room", "seq"], name="room_entry_seq_once"),
        ]


class DeviceMailbox(models.Model):
    """The counter of a device's own events. It never goes back, although events are dropped once they were read."""

    device = models.OneToOneField(Device, on_delete=models.CASCADE, primary_key=True, related_name="mailbox")
    last_seq = models.PositiveBigIntegerField(default=0)


class EventKind(models.TextChoices):
    WELCOME = "welcome"
    ADMITTED = "admitted"
    DECLINED = "declined"
    REMOVED = "removed"
    WAITING = "waiting"
    CASE = "case"


class DeviceEvent(models.Model):
    """Something that this device should know, kept until it pulled past it. ``payload``: a Welcome, else nothing.

    ``case_id`` is moderation's: an id and no more.
    """

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=8, choices=EventKind.choices)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, null=True, related_name="+")
    case_id = models.UUIDField(null=True)
    room_seq = models.PositiveBigIntegerField(null=True)
    epoch = models.PositiveBigIntegerField(null=True)
    payload = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "seq"], name="device_event_once"),
            models.CheckConstraint(
                condition=Q(
                    kind=EventKind.WELCOME,
                    room__isnull=False,
                    case_id__isnull=True,
                    payload__isnull=False,
                    room_seq__isnull=False,
                    epoch__isnull=False,
                )
                | (
                    Q(kind__in=["admitted", "declined", "removed", "waiting"], room__isnull=False)
                    & Q(case_id__isnull=True)
                    & Q(payload__isnull=True, room_seq__isnull=True, epoch__isnull=True)
                )
                | (
                    Q(kind=EventKind.CASE, case_id__isnull=False, room__isnull=True)
                    & Q(payload__isnull=True, room_seq__isnull=True, epoch__isnull=True)
                ),
                name="device_event_whole",
            ),
        ]
