"""What is kept of people and their devices. Invariants are constraints here first, checks in services second.

No address, no user agent, no time of a last visit: ``last_login`` and ``password`` of Django's base are taken
out.
"""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q

from peerchat.protocol.signed import InviteRole, Role


def _is_one_of(field: str, values: type[InviteRole] | type[Role]) -> Q:
    return Q(**{f"{field}__in": sorted(value.value for value in values)})


class Community(models.Model):
    """The one community of this deployment; its row is the lock of the community log."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    root = models.BinaryField(max_length=32)
    name = models.CharField(max_length=80)
    demo = models.BooleanField()
    languages = models.JSONField(default=list)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="community_is_one")]


class CommunityEntry(models.Model):
    """An entry of the community log, verbatim."""

    index = models.PositiveBigIntegerField(primary_key=True)
    action = models.CharField(max_length=16)
    entry = models.BinaryField()
    body = models.BinaryField(null=True)
    signature = models.BinaryField()
    hash = models.BinaryField(unique=True)
    at_ms = models.BigIntegerField()


class AccountManager(BaseUserManager["Account"]):
    """Accounts are made by ``sign_up`` alone."""


class Account(AbstractBaseUser):
    """A person as the server knows one: a random id, a public key, and a handle that they chose."""

    # Django's own columns: nobody here has a password, and when someone came last is nobody's business.
    password = None  # type: ignore[assignment]  # the base class names a column here
    last_login = None

    id = models.UUIDField(primary_key=True, editable=False)
    identity_key = models.BinaryField(max_length=32, unique=True)
    handle = models.CharField(max_length=24, null=True)  # noqa: DJ001 - NULL says forgotten; empty is refused
    handle_key = models.CharField(max_length=512, null=True, unique=True)  # noqa: DJ001 - several may be NULL
    language = models.CharField(max_length=12)
    profile_body = models.BinaryField(null=True)
    profile_signature = models.BinaryField(null=True)
    acceptance_body = models.BinaryField()
    acceptance_signature = models.BinaryField()
    sign_in_verifier_hash = models.BinaryField(max_length=32)
    backup = models.BinaryField(null=True)
    created_at = models.DateTimeField()
    forgotten_at = models.DateTimeField(null=True)

    USERNAME_FIELD = "id"
    REQUIRED_FIELDS = []
    objects = AccountManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    forgotten_at__isnull=True,
                    handle__isnull=False,
                    handle_key__isnull=False,
                    profile_body__isnull=False,
                    profile_signature__isnull=False,
                )
                | Q(
                    forgotten_at__isnull=False,
                    handle__isnull=True,
                    handle_key__isnull=True,
                    profile_body__isnull=True,
                    profile_signature__isnull=True,
                    backup__isnull=True,
                ),
                name="account_is_whole_or_forgotten",
            ),
        ]


class AccountEntry(models.Model):
    """An entry of an account's log, verbatim."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="entries")
    index = models.PositiveBigIntegerField()
    action = models.CharField(max_length=16)
    entry = models.BinaryField()
    body = models.BinaryField(null=True)
    signature = models.BinaryField()
    hash = models.BinaryField(unique=True)
    at_ms = models.BigIntegerField()

    class Meta:
        ordering = ["account", "index"]
        constraints = [models.UniqueConstraint(fields=["account", "index"], name="account_entry_once")]


class DeviceQuerySet(models.QuerySet["Device"]):
    def live(self) -> "DeviceQuerySet":
        """Devices that were not revoked, of accounts that were not forgotten."""
        return self.filter(revoked_at__isnull=True, account__forgotten_at__isnull=True)


class Device(models.Model):
    """One browser. ``pin_*``: see ``pins``; the PIN's share itself is in the key file, never here."""

    id = models.UUIDField(primary_key=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="devices")
    device_key = models.BinaryField(max_length=32, unique=True)
    revoked_at = models.DateTimeField(null=True)
    pin_locator_hash = models.BinaryField(max_length=32, null=True, unique=True)
    pin_verifier_hash = models.BinaryField(max_length=32, null=True)
    pin_tries = models.PositiveSmallIntegerField(default=0)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(pin_locator_hash__isnull=True, pin_verifier_hash__isnull=True)
                | Q(pin_locator_hash__isnull=False, pin_verifier_hash__isnull=False),
                name="device_pin_whole",
            ),
        ]


class DeviceSession(models.Model):
    """A signed-in device. The token is known to the cookie alone; its SHA-256 is kept."""

    token_hash = models.BinaryField(primary_key=True, max_length=32)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="sessions")
    ends_at = models.DateTimeField(db_index=True)


class UsedNonce(models.Model):
    """A sign-in challenge that was answered; kept for its 60 s, so that an answer counts once in all processes."""

    nonce_hash = models.BinaryField(primary_key=True, max_length=32)
    ends_at = models.DateTimeField(db_index=True)


class KeyPackage(models.Model):
    """An MLS key package on offer. A one-time one is claimed for one room; the last resort is served again."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="key_packages")
    package = models.BinaryField()
    package_hash = models.BinaryField(max_length=32)
    last_resort = models.BooleanField()
    expires_at = models.DateTimeField()
    claimed_for = models.UUIDField(null=True)
    claimed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "package_hash"], name="key_package_once"),
            models.UniqueConstraint(
                fields=["device"], condition=Q(last_resort=True), name="key_package_one_last_resort"
            ),
            models.CheckConstraint(
                condition=Q(claimed_for__isnull=True, claimed_at__isnull=True)
                | Q(claimed_for__isnull=False, claimed_at__isnull=False),
                name="key_package_claim_whole",
            ),
        ]


class Invite(models.Model):
    """A one-time link. The server knows SHA-256 of its public key, never its seed.

    ``certificate_*`` are NULL for the first steward's alone: genesis vouches for it.
    """

    invite_hash = models.BinaryField(max_length=32, unique=True)
    role = models.CharField(max_length=16)
    room_id = models.UUIDField(null=True)
    certificate_body = models.BinaryField(null=True)
    certificate_signature = models.BinaryField(null=True)
    inviter = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, related_name="invites_made")
    expires_at = models.DateTimeField()
    used_by = models.OneToOneField(Account, on_delete=models.SET_NULL, null=True, related_name="invite")
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    certificate_body__isnull=True, certificate_signature__isnull=True, inviter__isnull=True
                )
                | Q(
                    certificate_body__isnull=False,
                    certificate_signature__isnull=False,
                    inviter__isnull=False,
                ),
                name="invite_vouched_whole",
            ),
            models.CheckConstraint(condition=_is_one_of("role", InviteRole), name="invite_role_known"),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(revoked_at__isnull=True), name="invite_used_or_revoked"
            ),
        ]


class Certification(models.Model):
    """The projection of one ``claim`` or ``certify``. ``effective_at`` NULL: it waits for a second steward."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="certifications")
    identity_key = models.BinaryField(max_length=32)
    role = models.CharField(max_length=16)
    certified_at = models.DateTimeField()
    effective_at = models.DateTimeField(null=True)
    entry_index = models.PositiveBigIntegerField(unique=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_index = models.PositiveBigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["account", "role"], name="certification_by_account")]
        constraints = [
            models.CheckConstraint(condition=_is_one_of("role", Role), name="certification_role_known"),
            models.CheckConstraint(
                condition=Q(effective_at__isnull=True) | Q(effective_at__gte=F("certified_at")),
                name="certification_not_backdated",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_index__isnull=True)
                | Q(revoked_at__isnull=False, revoked_index__gt=F("entry_index")),
                name="certification_revoked_later",
            ),
        ]
