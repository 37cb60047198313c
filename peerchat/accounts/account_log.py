"""An account's log, pure: which devices speak for an identity (docs/protocol.md, "Account log").

It is signed throughout by the identity key, which is pinned elsewhere (the community log, a room's
``admit``): a log that is right in itself proves nothing about whose it is.
``frontend/src/crypto/accountLog.ts`` holds the same rules.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from peerchat.errors import ErrorCode
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.signed import (
    Action,
    DeviceAddBody,
    DeviceCertificate,
    DeviceRevokeBody,
    Label,
    LogKind,
    OpenBody,
    SignedEntry,
    SignedStatement,
)
from peerchat.signed_log import Link, Place, Verify, check_link, check_signature, read_body, refuse


@dataclass(frozen=True, slots=True)
class AccountDevice:
    """A device that the account's log brought; ``revoked_at`` (UTC ms) is the ``at`` of the entry that ended it."""

    device_id: bytes
    device_key: bytes
    certificate: SignedStatement = field(repr=False)
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class AccountState:
    """What an account's log says up to ``place``."""

    account_id: bytes
    identity_key: bytes
    devices: Mapping[bytes, AccountDevice]
    place: Place

    def device_key_at(self, device_id: bytes | None, at: int) -> bytes | None:
        """Return the key of a device that was live at ``at`` (UTC ms), or ``None``."""
        device = None if device_id is None else self.devices.get(device_id)
        if device is None or (device.revoked_at is not None and at >= device.revoked_at):
            return None
        return device.device_key


def apply(
    state: AccountState | None, signed: SignedEntry, *, root: bytes, account_id: bytes, verify: Verify
) -> AccountState:
    """Return the state after ``signed``; ``state`` is ``None`` before the first. Raises as ``community_log.apply``."""
    link = check_link(
        signed, log=LogKind.ACCOUNT, log_id=account_id, place=None if state is None else state.place
    )
    author = link.entry.author
    if author.account_id != account_id or author.device_id is not None:
        refuse(ErrorCode.BAD_ENTRY, "An account's log is signed by its identity.")
    if state is None:
        return _open(link, root=root, verify=verify)
    check_signature(link, key=state.identity_key, root=root, verify=verify)
    match link.entry.action:
        case Action.DEVICE_ADD:
            devices = _add_device(state, link, root=root, verify=verify)
        case Action.DEVICE_REVOKE:
            devices = _revoke_device(state, link)
        case _:
            refuse(ErrorCode.BAD_ENTRY, "This is no action of an account's log.")
    return replace(state, devices=devices, place=link.place)


def replay(
    entries: Iterable[SignedEntry], *, root: bytes, account_id: bytes, verify: Verify
) -> AccountState | None:
    """Return the state after ``entries``, or ``None`` for an empty log."""
    state: AccountState | None = None
    for signed in entries:
        state = apply(state, signed, root=root, account_id=account_id, verify=verify)
    return state


def read_certificate(
    statement: SignedStatement, *, root: bytes, identity_key: bytes, verify: Verify
) -> DeviceCertificate:
    """Return the certificate in ``statement``; refuse unless ``identity_key`` signed it for itself."""
    certificate = decode_canonical(DeviceCertificate, statement.body)
    if certificate.identity_key != identity_key:
        refuse(ErrorCode.BAD_ENTRY, "The certificate is another identity's.")
    if not verify(
        key=identity_key, label=Label.DEVICE, root=root, body=statement.body, signature=statement.signature
    ):
        refuse(ErrorCode.BAD_SIGNATURE, "The identity did not sign this certificate.")
    return certificate


def _open(link: Link, *, root: bytes, verify: Verify) -> AccountState:
    if link.entry.action is not Action.OPEN:
        refuse(ErrorCode.BAD_ENTRY, "An account's log begins with open.")
    body = read_body(link, OpenBody)
    if body.account_id != link.entry.log_id:
        refuse(ErrorCode.BAD_ENTRY, "The entry opens another account.")
    check_signature(link, key=body.identity_key, root=root, verify=verify)
    return AccountState(
        account_id=body.account_id, identity_key=body.identity_key, devices={}, place=link.place
    )


def _add_device(
    state: AccountState, link: Link, *, root: bytes, verify: Verify
) -> Mapping[bytes, AccountDevice]:
    statement = read_body(link, DeviceAddBody).certificate
    certificate = read_certificate(statement, root=root, identity_key=state.identity_key, verify=verify)
    if certificate.account_id != state.account_id or certificate.device_id in state.devices:
        refuse(ErrorCode.BAD_ENTRY, "This is no fresh device of this account.")
    device = AccountDevice(
        device_id=certificate.device_id,
        device_key=certificate.device_key,
        certificate=statement,
        revoked_at=None,
    )
    return {**state.devices, certificate.device_id: device}


def _revoke_device(state: AccountState, link: Link) -> Mapping[bytes, AccountDevice]:
    device = state.devices.get(read_body(link, DeviceRevokeBody).device_id)
    if device is None or device.revoked_at is not None:
        refuse(ErrorCode.BAD_ENTRY, "There is no such live device.")
    return {**state.devices, device.device_id: replace(device, revoked_at=link.entry.at)}
