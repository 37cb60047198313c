"""The fields that frames, bodies and signed things are made of.

One model serves both transports: bytes are raw in MessagePack and base64 (RFC 4648 §4, padded) in JSON. Frames are
validated with ``context={"wire": "msgpack"}``, which refuses text where bytes belong.
"""

import base64
import binascii
import unicodedata
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializationInfo,
    ValidationInfo,
    WithJsonSchema,
)

from peerchat.protocol import limits


class WireModel(BaseModel):
    """Closed, frozen, strict: an unknown field is an error, and nothing is coerced."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True
    )


def _to_bytes(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str):
        if info.context and info.context.get("wire") == "msgpack":
            raise ValueError("bytes expected, text given")
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError("not base64") from error
    return value


def _from_bytes(value: bytes, info: SerializationInfo) -> bytes | str:
    return base64.b64encode(value).decode("ascii") if info.mode == "json" else value


def _byte_field(low: int, high: int) -> tuple[Any, ...]:
    return (
        BeforeValidator(_to_bytes),
        Field(min_length=low, max_length=high),
        PlainSerializer(_from_bytes),
        WithJsonSchema(
            {"type": "string", "contentEncoding": "base64", "x-min-bytes": low, "x-max-bytes": high}
        ),
    )


Id = Annotated[bytes, *_byte_field(16, 16)]
"""A random 16-byte identifier: account, device, room, message, group."""
Key = Annotated[bytes, *_byte_field(32, 32)]
"""An Ed25519 or X25519 public key, or a 32-byte secret share or verifier."""
Hash = Annotated[bytes, *_byte_field(32, 32)]
Nonce = Annotated[bytes, *_byte_field(32, 32)]
Signature = Annotated[bytes, *_byte_field(64, 64)]
Salt = Annotated[bytes, *_byte_field(16, 16)]


# Opaque to the server; the limits say why each has its size.
Ciphertext = Annotated[bytes, *_byte_field(1, limits.CIPHERTEXT_MAX_BYTES)]
CommitBytes = Annotated[bytes, *_byte_field(1, limits.COMMIT_MAX_BYTES)]
WelcomeBytes = Annotated[bytes, *_byte_field(1, limits.WELCOME_MAX_BYTES)]
KeyPackageBytes = Annotated[bytes, *_byte_field(1, limits.KEY_PACKAGE_MAX_BYTES)]
CaseBytes = Annotated[bytes, *_byte_field(1, limits.CASE_SEALED_MAX_BYTES)]
BoxBytes = Annotated[bytes, *_byte_field(1, limits.CASE_BOX_MAX_BYTES)]
BackupBytes = Annotated[bytes, *_byte_field(1, limits.BACKUP_MAX_BYTES)]
# Canonical MessagePack (codec).
EntryBytes = Annotated[bytes, *_byte_field(1, limits.ENTRY_MAX_BYTES)]
EntryBodyBytes = Annotated[bytes, *_byte_field(1, limits.ENTRY_BODY_MAX_BYTES)]
StatementBytes = Annotated[bytes, *_byte_field(1, limits.STATEMENT_MAX_BYTES)]


# JavaScript numbers are exact to 2**53 - 1, and nothing here needs more.
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""A number that never goes below zero: a seq, an index, an epoch."""
Moment = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""UTC milliseconds since 1970."""


def _clean_line(value: str) -> str:
    """Refuse what hides or breaks a line: controls, NUL, lone surrogates, bidi overrides, outer space."""
    for character in value:
        if unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") or character in _BIDI_CONTROLS:
            raise ValueError("a character that cannot be shown")
    if value != value.strip() or not value:
        raise ValueError("empty, or space at its ends")
    if unicodedata.normalize("NFC", value) != value:
        raise ValueError("not in normal form C")
    return value


_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def _visible_line(high: int) -> tuple[Any, ...]:
    return (Field(min_length=1, max_length=high), AfterValidator(_clean_line))


Handle = Annotated[str, *_visible_line(limits.HANDLE_MAX_CHARS)]
RoomName = Annotated[str, *_visible_line(limits.ROOM_NAME_MAX_CHARS)]
NoteLine = Annotated[str, *_visible_line(limits.NOTE_MAX_CHARS)]

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$", max_length=12)]
"""A BCP 47 tag, primary subtag and at most one more."""
