"""Days as the reader counts them: in the time zone that their browser has told."""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Request

ZONE_COOKIE: Final = "protostar_zone"


def zone_of(request: Request) -> str:
    name = request.cookies.get(ZONE_COOKIE, "UTC")
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"


def beginning(day: date | None, zone: str, *, after: int = 0) -> datetime | None:
    """When the day begins, or the one that is `after` days later."""
    if day is None or not 1970 <= day.year <= 9000:
        return None
    return datetime.combine(day + timedelta(days=after), time.min, ZoneInfo(zone))
