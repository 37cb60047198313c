"""What the next commit of a room should do, by the server's bookkeeping. Clients check each wish against the logs.

Every function that writes needs the room's lock.
"""

from collections.abc import Collection
from uuid import UUID

from peerchat.accounts import key_packages
from peerchat.accounts.models import Device
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.http_bodies import ClaimAnswer, ClaimedKeyPackage, PendingAnswer, PendingDevice
from rooms import access
from rooms.models import GroupLeaf, LeafState, Room


def live_devices(account_id: UUID) -> list[UUID]:
    """Return the account's live devices, by ascending id."""
    return list(
        Device.objects.live().filter(account_id=account_id).order_by("id").values_list("id", flat=True)
    )


def devices_of(account_id: UUID) -> list[UUID]:
    """Return all of the account's devices, revoked ones too, by ascending id."""
    return list(Device.objects.filter(account_id=account_id).order_by("id").values_list("id", flat=True))


def count(room: Room) -> int:
    """Return how many leaves the group has or should get."""
    return GroupLeaf.objects.filter(room_id=room.id).count()


def found_group(room: Room, *, creator: Device) -> None:
    """Note that the creator's device is the group (epoch 0), and that its account's other devices should be in it."""
    GroupLeaf.objects.create(room_id=room.id, device_id=creator.id, state=LeafState.IN_GROUP)
    others = [device_id for device_id in live_devices(creator.account_id) if device_id != creator.id]
    want_added(room, device_ids=others, due_index=0)


def want_added(room: Room, *, device_ids: Collection[UUID], due_index: int) -> None:
    """Let the next commit add these devices, which have no leaf."""
    GroupLeaf.objects.bulk_create(
        GroupLeaf(room_id=room.id, device_id=device_id, state=LeafState.PENDING_ADD, due_index=due_index)
        for device_id in device_ids
    )


def want_removed(room: Room, *, account_id: UUID, due_index: int) -> None:
    """Let the next commit remove the account's leaves; those that were not added yet are forgotten."""
    own = GroupLeaf.objects.filter(room_id=room.id, device__account_id=account_id)
    own.filter(state=LeafState.PENDING_ADD).delete()
    own.filter(state=LeafState.IN_GROUP).update(state=LeafState.PENDING_REMOVE, due_index=due_index)


def pending(room: Room, state: LeafState) -> list[PendingDevice]:
    """Return the devices whose leaves are in ``state``, the longest due first."""
    rows = (
        GroupLeaf.objects.filter(room_id=room.id, state=state)
        .order_by("due_index", "device_id")
        .values_list("device__account_id", "device_id")
    )
    return [
        PendingDevice(account_id=account_id.bytes, device_id=device_id.bytes)
        for account_id, device_id in rows
    ]


def is_in_group(room: Room, device: Device) -> bool:
    """Return whether the device's leaf is in the group and is to stay."""
    return GroupLeaf.objects.filter(room_id=room.id, device_id=device.id, state=LeafState.IN_GROUP).exists()


def to_remove(room: Room, *, account_id: UUID) -> frozenset[UUID]:
    """Return the account's devices whose leaves are in the group and are to go."""
    return frozenset(
        GroupLeaf.objects.filter(
            room_id=room.id, device__account_id=account_id, state=LeafState.PENDING_REMOVE
        ).values_list("device_id", flat=True)
    )


def pending_in(room: Room) -> PendingAnswer:
    """Return all that the next commit should do."""
    return PendingAnswer(
        epoch=room.epoch,
        adds=pending(room, LeafState.PENDING_ADD),
        removes=pending(room, LeafState.PENDING_REMOVE),
    )


def claim_packages(*, device: Device, room_id: UUID, device_ids: Collection[UUID]) -> ClaimAnswer:
    """Hand out one key package for each of ``device_ids``, which must be pending adds; for devices in the group.

    Devices without one are left out. Raises ``request.not_found``, ``session.not_allowed``, ``room.not_pending``.
    """
    room = access.room_for(device, room_id)
    if not is_in_group(room, device):
        raise PeerChatError(ErrorCode.NOT_ALLOWED, "This device is not in the group.", http_status=403)
    wanted = set(device_ids)
    due = GroupLeaf.objects.filter(room_id=room.id, device_id__in=wanted, state=LeafState.PENDING_ADD)
    if due.count() < len(wanted):
        raise PeerChatError(ErrorCode.NOT_PENDING, "Not every device is to be added.", http_status=409)
    packages = key_packages.claim(wanted, room_id)
    return ClaimAnswer(
        key_packages=[
            ClaimedKeyPackage(device_id=device_id.bytes, key_package=package)
            for device_id, package in sorted(packages.items())
        ]
    )
