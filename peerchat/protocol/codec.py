"""MessagePack for frames and for what people sign.

Frames may be encoded in any valid way. Signed bytes are *canonical* - map keys sorted, the shortest form of each
number and length, no floats, no extension types - so that one meaning has one encoding and two languages cannot read
the same signed bytes differently. They are stored and sent verbatim; encoding again is only ever a check.
"""

from typing import Any, TypeVar

import msgpack
from pydantic import TypeAdapter, ValidationError

from peerchat.errors import CloseCode, ErrorCode, PeerChatError
from peerchat.protocol import limits
from peerchat.protocol.client_frames import ClientFrame
from peerchat.protocol.server_frames import ServerFrame
from peerchat.protocol.types import WireModel

_CLIENT_FRAME: TypeAdapter[ClientFrame] = TypeAdapter(ClientFrame)
_WIRE = {"wire": "msgpack"}
_DEPTH_MAX = 8
M = TypeVar("M", bound=WireModel)


def _malformed(message: str, *, close: bool = False) -> PeerChatError:
    return PeerChatError(
        ErrorCode.MALFORMED, message, close_code=CloseCode.PROTOCOL_BROKEN if close else None
    )


def _unique_keys(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if not isinstance(key, str) or key in result:
            raise ValueError("a key that is no text, or stands twice")
        result[key] = value
    return result


def _refuse_extension(code: int, data: bytes) -> Any:
    raise ValueError("extension types are not used")


def _unpack(data: bytes) -> Any:
    return msgpack.unpackb(
        data,
        raw=False,
        strict_map_key=True,
        object_pairs_hook=_unique_keys,
        ext_hook=_refuse_extension,
        max_str_len=len(data),
        max_bin_len=len(data),
        max_array_len=1024,
        max_map_len=64,
    )


def decode_client_frame(data: bytes) -> ClientFrame:
    """Return the frame in ``data``, at most ``FRAME_MAX_BYTES``.

    Raises ``request.too_large`` (the socket closes), or ``request.malformed``: bytes that are no MessagePack break the
    protocol and close the socket, a frame of the wrong shape is only refused.
    """
    if len(data) > limits.FRAME_MAX_BYTES:
        raise PeerChatError(
            ErrorCode.TOO_LARGE, "A frame is too large.", http_status=413, close_code=CloseCode.TOO_LARGE
        )
    try:
        value = _unpack(data)
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise _malformed("A frame is not MessagePack.", close=True) from error
    try:
        return _CLIENT_FRAME.validate_python(value, context=_WIRE)
    except ValidationError as error:
        raise _malformed("A frame has the wrong shape.") from error


def encode_frame(frame: ServerFrame | WireModel) -> bytes:
    """Return ``frame`` as MessagePack, ready for the socket."""
    return _pack(frame.model_dump(mode="python"))


def encode_canonical(value: WireModel) -> bytes:
    """Return the one canonical encoding of ``value``."""
    return _pack(_sorted(value.model_dump(mode="python")))


def decode_canonical(model: type[M], data: bytes) -> M:
    """Return ``data`` as ``model``; refuse all that is not its canonical encoding (``request.malformed``)."""
    try:
        value = _unpack(data)
        if _pack(_sorted(value)) != data:
            raise ValueError("not canonical")
        return model.model_validate(value, context=_WIRE)
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError, OverflowError) as error:
        raise _malformed("Signed bytes have the wrong shape.") from error


def _pack(value: Any) -> bytes:
    packed = msgpack.packb(value, use_bin_type=True)
    assert isinstance(packed, bytes)  # noqa: S101 - narrows the library's type
    return packed


def _sorted(value: Any, depth: int = 0) -> Any:
    if depth > _DEPTH_MAX:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        return {key: _sorted(value[key], depth + 1) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item, depth + 1) for item in value]
    if isinstance(value, float):
        raise ValueError("no number here has a fraction")
    return value
