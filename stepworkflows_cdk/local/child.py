"""Runs a script in a process of its own, without a network but this machine, and in which the time is that of a run: it
stands still but for ``time.sleep``.

``child.py SCRIPT`` calls ``main()`` of the script and ends with what it gives. The environment says what time it is
(``STEPWORKFLOWS_NOW``, seconds since 1970), to which file to write how many seconds were slept (``STEPWORKFLOWS_SLEPT``),
and to which the calls (``STEPWORKFLOWS_TOLD``) that the run sees (``STEPWORKFLOWS_SEEN``). A sleep beyond
``STEPWORKFLOWS_TIMEOUT`` ends when that is over, with the signal that a timer sends.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

__all__ = ["main"]

_SLEEP, _MONOTONIC, _PERF_COUNTER = time.sleep, time.monotonic, time.perf_counter


class _Time:
    """The time of the run."""

    def __init__(self, now: float, longest: float) -> None:
        import time_machine

        self.slept = 0.0
        self._now = now
        self._longest = longest
        self._travel: Any = time_machine.travel(now, tick=False).start()

    def sleep(self, seconds: float) -> None:
        if threading.current_thread() is not threading.main_thread():
            _SLEEP(seconds)
            return
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        rest = self._longest - self.slept
        self.slept += min(seconds, rest)
        self._travel.move_to(self._now + self.slept)
        if seconds > rest:
            signal.raise_signal(signal.SIGALRM)

    def begin(self) -> None:
        module: Any = time
        module.sleep = self.sleep
        module.monotonic = lambda: _MONOTONIC() + self.slept
        module.perf_counter = lambda: _PERF_COUNTER() + self.slept


def main(script: str) -> int:
    """The status of the script."""
    now, file = os.environ.pop("STEPWORKFLOWS_NOW", ""), os.environ.pop("STEPWORKFLOWS_SLEPT", "")
    told, seen = Path(os.environ.pop("STEPWORKFLOWS_TOLD")), os.environ.pop("STEPWORKFLOWS_SEEN").split(",")
    passing = _Time(float(now), float(os.environ["STEPWORKFLOWS_TIMEOUT"])) if now else None
    if passing:
        passing.begin()
    # By their paths: where the script runs, this package need not be installed.
    offline, telling = (runpy.run_path(str(Path(__file__).with_name(f"{name}.py"))) for name in ("offline", "told"))
    telling["tell"](told, seen)
    with offline["no_network"]():
        status: int = runpy.run_path(script, run_name="runner")["main"]()
    if passing:
        Path(file).write_text(str(passing.slept), encoding="ascii")
    return status


if __name__ == "__main__":
    result = main(sys.argv[1])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(result)  # threads that the code has left behind do not keep the process alive
