"""Shifts from an iCalendar file (RFC 5545), as most calendars export one.

Each event whose summary is a counselor's handle becomes a shift, recurrences and time zones worked out. The file is
read once, by whoever runs the command: nothing is fetched, and no other text of it is kept.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import recurring_ical_events
from django.db import transaction
from icalendar import Calendar

from moderation.oncall.models import Shift
from peerchat.accounts.models import Account
from peerchat.clock import from_ms

FILE_MAX_BYTES = 1_000_000
AHEAD = timedelta(days=92)
SHIFTS_MAX = 2_000


class CalendarWrong(Exception):
    """The file is none that can be imported. Holds no word of it."""


@dataclass(frozen=True, slots=True)
class Imported:
    """``unknown``: events whose summary is nobody's handle; they were left out."""

    shifts: int
    unknown: int


def import_calendar(*, content: bytes, tier: int, source: str, now: int, replaces: bool = False) -> Imported:
    """Put the shifts of the next ``AHEAD`` in the place of those that were imported from ``source`` before.

    ``replaces``: as overrides. Raises ``CalendarWrong`` and changes nothing then.
    """
    if len(content) > FILE_MAX_BYTES:
        raise CalendarWrong
    starts = from_ms(now)
    try:
        events = recurring_ical_events.of(Calendar.from_ical(content)).between(starts, starts + AHEAD)
        named = [(str(event.get("SUMMARY", "")).strip(), _bounds(event)) for event in events[:SHIFTS_MAX]]
    except Exception as error:
        # The library raises of many kinds, some with the file's words in them.
        raise CalendarWrong from error
    people = _people({name for name, _ in named})
    shifts = [
        Shift(
            tier=tier,
            account_id=people[name],
            starts_ms=begins,
            ends_ms=ends,
            replaces=replaces,
            source=source,
        )
        for name, (begins, ends) in named
        if name in people and begins < ends
    ]
    with transaction.atomic():
        Shift.objects.filter(source=source, tier=tier).delete()
        Shift.objects.bulk_create(shifts)
    return Imported(shifts=len(shifts), unknown=len(named) - len(shifts))


def _people(handles: set[str]) -> dict[str, UUID]:
    rows = Account.objects.filter(handle__in=handles, forgotten_at__isnull=True).values_list("handle", "id")
    return {handle: account for handle, account in rows if handle is not None}


def _bounds(event: object) -> tuple[int, int]:
    begins, ends = event.start, event.end  # type: ignore[attr-defined]  # an icalendar event
    return _moment(begins), _moment(ends)


def _moment(value: date) -> int:
    """Return a date or time as UTC ms; one without a zone is UTC, and a whole day begins at midnight UTC."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
