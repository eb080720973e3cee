"""Times of schedules: the fields of ``cron``, and the names of time zones."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import available_timezones

from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.shape import nearest

__all__ = ["check_cron", "check_zone"]


@dataclass(frozen=True)
class _Field:
    """One field of ``cron``. ``names`` count from ``least``; ``also`` is what it may be beside numbers and ranges."""

    what: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    also: str = r"(?!)"

    @property
    def takes(self) -> str:
        names = f", or {self.names[0]} to {self.names[-1]}" if self.names else ""
        first = f" (1 is {self.names[0]})" if self.names else ""
        return f"numbers from {self.least} to {self.most}{first}{names}"

    def wrong(self, text: str) -> str:
        """The part of the field that is none of its values; empty where all are."""
        for part in text.split(","):
            if re.fullmatch(self.also, part.upper()):
                continue
            range_, slash, step = part.partition("/")
            if slash and not (step.isdecimal() and int(step) > 0):
                return part
            ends = [] if range_ == "*" else range_.split("-", 1)
            for end in ends:
                if not self._has(end):
                    return end or part
        return ""

    def _has(self, value: str) -> bool:
        return value.upper() in self.names or (value.isdecimal() and self.least <= int(value) <= self.most)


_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31, also=r"\?|L(-([1-9]|[12]\d|30))?W?|(0?[1-9]|[12]\d|3[01])W"),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 1, 7, _DAYS, also=rf"\?|([1-7]|{'|'.join(_DAYS)})?L|([1-7]|{'|'.join(_DAYS)})#[1-5]"),
    _Field("year", 1970, 2199),
)
"""https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based"""


def check_cron(cron: str, mark: Mark) -> Iterator[Problem]:
    """What is wrong with the fields of ``cron``."""
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        message = "`cron` has six fields: minutes, hours, day of the month, month, day of the week, year"
        yield Problem("SW232", message, mark, "write it such as `0 6 * * ? *`: every day at six")
        return
    for field, text in zip(_FIELDS, fields, strict=True):
        if wrong := field.wrong(text):
            yield Problem("SW232", f"`{wrong}` is no {field.what}", mark, f"this field takes {field.takes}")
    if (fields[2] == "?") == (fields[4] == "?"):
        message = "of day of the month and day of the week, one is `?`"
        yield Problem("SW232", message, mark, "write `?` for the one that does not matter")


def check_zone(zone: str | None, mark: Mark) -> Iterator[Problem]:
    """The problem of a time zone that the IANA database does not have."""
    if zone is not None and zone not in (known := available_timezones()) and zone not in (known := known | _packaged()):
        hint = nearest(zone, known) or "write a name of the IANA database, such as `Europe/Vienna`"
        yield Problem("SW232", f"there is no time zone `{zone}`", mark, hint)


@cache
def _packaged() -> set[str]:
    """The time zones that come with dateutil, which botocore takes: a machine may have none, or an old list."""
    spec = find_spec("dateutil")
    folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else Path()
    archive = folder / "zoneinfo" / "dateutil-zoneinfo.tar.gz"
    if not archive.is_file():
        return set()
    with tarfile.open(archive) as files:
        return {name.removeprefix("./") for name in files.getnames()}
