"""MLS key packages on offer (RFC 9420 §10): opaque here, each handed out once but for the last resort.

The server does not parse them: whoever adds a device checks its package against the logs.
"""

from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from peerchat.accounts.models import Device, KeyPackage
from peerchat.clock import now
from peerchat.protocol import limits

SAME_AGAIN = timedelta(seconds=60)
"""A room that asks again within this time gets the same packages, so that a lost answer costs none."""


def upload_key_packages(
    *, device: Device, one_time: Collection[bytes], last_resort: bytes | None
) -> tuple[int, bool]:
    """Add packages; return how many one-time ones are left, and whether the last resort needs to be replaced.

    At most ``KEY_PACKAGES_MAX`` unclaimed one-time packages are kept, the newest ones. ``last_resort`` takes
    the place of the one before. The same bytes again change nothing. Locks the device's row.
    """
    moment = now()
    expires_at = moment + timedelta(milliseconds=limits.KEY_PACKAGE_LIFETIME_MS)
    with transaction.atomic():
        Device.objects.select_for_update().get(id=device.id)
        own = KeyPackage.objects.filter(device=device)
        _forget_old(own)
        known = {bytes(value) for value in own.values_list("package_hash", flat=True)}
        if last_resort is not None and sha256(last_resort).digest() not in known:
            own.filter(last_resort=True).delete()
            KeyPackage.objects.create(
                device=device,
                package=last_resort,
                package_hash=sha256(last_resort).digest(),
                last_resort=True,
                expires_at=expires_at,
            )
        fresh = {digest: package for package in one_time if (digest := sha256(package).digest()) not in known}
        KeyPackage.objects.bulk_create(
            KeyPackage(
                device=device,
                package=package,
                package_hash=digest,
                last_resort=False,
                expires_at=expires_at,
            )
            for digest, package in fresh.items()
        )
        unclaimed = own.filter(last_resort=False, claimed_at__isnull=True)
        kept = list(unclaimed.order_by("-id").values_list("id", flat=True)[: limits.KEY_PACKAGES_MAX])
        unclaimed.exclude(id__in=kept).delete()
        used = not own.filter(last_resort=True, claimed_at__isnull=True).exists()
    return len(kept), used


def claim(device_ids: Collection[UUID], room_id: UUID) -> dict[UUID, bytes]:
    """Return one package for each live device that has one: a one-time one while there are any, else the last resort.

    The same room asking again within a minute gets the same packages. Who may ask is the caller's to check.
    Locks the devices' rows by ascending id.
    """
    with transaction.atomic():
        devices = list(
            Device.objects.live()
            .select_for_update(of=("self",))
            .filter(id__in=set(device_ids))
            .order_by("id")
        )
        claimed = {device.id: _claim_one(device, room_id) for device in devices}
    return {device_id: package for device_id, package in claimed.items() if package is not None}


def _claim_one(device: Device, room_id: UUID) -> bytes | None:
    moment = now()
    own = KeyPackage.objects.filter(device=device)
    _forget_old(own)
    live = own.filter(expires_at__gt=moment)
    again = live.filter(claimed_for=room_id, claimed_at__gt=moment - SAME_AGAIN).order_by(
        "last_resort", "-id"
    )
    found = (
        again.first()
        or live.filter(last_resort=False, claimed_at__isnull=True).order_by("id").first()
        or live.filter(last_resort=True).first()
    )
    if found is None:
        return None
    if found.claimed_for != room_id or found.claimed_at is None or found.claimed_at <= moment - SAME_AGAIN:
        found.claimed_for, found.claimed_at = room_id, moment
        found.save(update_fields=["claimed_for", "claimed_at"])
    return bytes(found.package)


def _forget_old(own: QuerySet[KeyPackage]) -> None:
    """Drop what ran out and what was handed out: which room took which package is nothing to keep."""
    moment = now()
    own.filter(Q(expires_at__lte=moment) | Q(last_resort=False, claimed_at__lte=moment - SAME_AGAIN)).delete()
