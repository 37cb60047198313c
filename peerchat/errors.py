"""One error base with a stable code; the text is for people, the code for programs.

Codes never change their meaning and are never used again once retired. They do not say whether a thing exists
that the caller may not see: "not found" and "not yours" answer alike.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Every code a client can meet, with whom it asks to act in the first word."""

    # The shape of what was sent.
    MALFORMED = "request.malformed"
    TOO_LARGE = "request.too_large"
    WRONG_ORIGIN = "request.wrong_origin"
    NOT_FOUND = "request.not_found"
    RATE_LIMITED = "request.rate_limited"
    CONFLICT = "request.conflict"
    # Signing in.
    SIGNED_OUT = "session.signed_out"
    SIGN_IN_FAILED = "session.sign_in_failed"
    NOT_ALLOWED = "session.not_allowed"
    PIN_WRONG = "pin.wrong"
    PIN_ERASED = "pin.erased"
    INVITE_UNUSABLE = "invite.unusable"
    HANDLE_TAKEN = "account.handle_taken"
    # Signed logs (RFC-less; docs/protocol.md, "Signed logs").
    BAD_SIGNATURE = "log.bad_signature"
    STALE_HEAD = "log.stale_head"
    NO_POWER = "log.no_power"
    BAD_ENTRY = "log.bad_entry"
    WRONG_CLOCK = "log.wrong_clock"
    # Rooms.
    STALE_EPOCH = "room.stale_epoch"
    COMMIT_NEEDED = "room.commit_needed"
    NOT_PENDING = "room.not_pending"
    NO_KEY_PACKAGE = "room.no_key_package"
    ROOM_FULL = "room.full"
    ROOM_LOCKED = "room.locked"
    MUTED = "room.muted"
    ID_REUSED = "room.id_reused"
    # Escalations.
    CASE_TAKEN = "case.taken"
    CASE_OVER = "case.over"
    NO_RECIPIENT = "case.no_recipient"
    CONTACT_REFUSED = "contact.refused"
    CONTACT_UNREACHED = "contact.unreached"
    CONTACT_CODE_WRONG = "contact.code_wrong"
    # Us.
    BUSY = "server.busy"
    DRAINING = "server.draining"
    BROKEN = "server.broken"


class CloseCode:
    """WebSocket close codes. Autobahn sends 1000 and 3000 to 4999 only, so ours stand there."""

    NORMAL = 1000
    PROTOCOL_BROKEN = 4400
    SIGNED_OUT = 4401
    WRONG_ORIGIN = 4403
    SLOW_READER = 4408
    REPLACED = 4409
    TOO_LARGE = 4413
    RATE_LIMITED = 4429
    BROKEN = 4500
    DRAINING = 4503


class PeerChatError(Exception):
    """A refusal with a stable code.

    ``http_status`` and ``close_code`` say how the two transports express it; ``close_code`` is ``None`` where the
    socket stays open. ``details`` holds small numbers that help a client to recover (an epoch, a head's index, a
    wait in milliseconds), never text from a person.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        http_status: int = 400,
        close_code: int | None = None,
        details: dict[str, int] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = http_status
        self.close_code = close_code
        self.details = details or {}


def not_found() -> PeerChatError:
    """Return the one answer for "does not exist" and "is not yours"."""
    return PeerChatError(ErrorCode.NOT_FOUND, "There is nothing here for you.", http_status=404)
