"""The rota as the database keeps it, read into the pure one."""

from zoneinfo import ZoneInfo

from moderation.oncall.models import Layer, Shift
from moderation.oncall.rota import Rota, Rotation, Stretch

WEEK_MS = 7 * 24 * 3600 * 1000


def load_rota(*, around: int, ahead_ms: int = 0) -> Rota:
    """Return the rota from ``around`` (UTC ms) to ``ahead_ms`` later; shifts elsewhere are left out."""
    layers = Layer.objects.prefetch_related("members").order_by("tier", "id")
    shifts = Shift.objects.filter(ends_ms__gt=around, starts_ms__lte=around + ahead_ms).order_by(
        "starts_ms", "id"
    )
    return Rota(
        rotations=tuple(_rotation(layer) for layer in layers),
        stretches=tuple(
            Stretch(one.tier, one.account_id, one.starts_ms, one.ends_ms, one.replaces) for one in shifts
        ),
    )


def _rotation(layer: Layer) -> Rotation:
    hours = None if layer.from_time is None or layer.to_time is None else (layer.from_time, layer.to_time)
    members = sorted(layer.members.all(), key=lambda member: member.position)
    return Rotation(
        tier=layer.tier,
        zone=ZoneInfo(layer.time_zone),
        first_day=layer.first_day,
        handoff=layer.handoff,
        turn_days=layer.turn_days,
        members=tuple(member.account_id for member in members),
        hours=hours,
    )
