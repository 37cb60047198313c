"""Who is what to a room: asking, waiting, coming in, leaving."""

from peerchat.accounts.models import Device
from peerchat.protocol.server_frames import RoomMark
from rooms import access


def rooms_of(device: Device) -> list[RoomMark]:
    """Return where each room stands in which the device's account is a member, by ascending id."""
    return [
        RoomMark(room_id=room.id.bytes, last_seq=room.last_seq, floor=room.floor, epoch=room.epoch)
        for room in access.rooms_of_account(device.account_id)
    ]
