"""What Channels is told about the layer that carries hints between processes."""

from typing import Any

GROUP_EXPIRY_SECONDS = 60
"""A process renews its place every few seconds (``rooms.relay``); one that was killed is spoken to this long."""
ANSWER_SECONDS = 10
"""Above the 5 s that the layer itself waits for a message. So a Redis that hangs is noticed, or a link that was cut."""


def channel_layer(redis_url: str | None) -> dict[str, Any]:
    """Return Django's setting for one layer; ``None``: in memory, for one process."""
    if redis_url is None:
        return {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    host = {"address": redis_url, "socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": 5}
    return {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [host], "group_expiry": GROUP_EXPIRY_SECONDS},
    }
