"""Order and time of interleaved work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk.local.clock import RealClock, VirtualClock
from stepworkflows_cdk.local.errors import StateFailed
from stepworkflows_cdk.local.scheduler import Fiber, Join, Pause, Scheduler, Work


def test_work_is_done_by_time_and_then_in_the_order_of_asking() -> None:
    done: list[str] = []

    def step(name: str, *pauses: float) -> Work:
        for seconds in pauses:
            yield Pause(seconds)
            done.append(name)

    def main() -> Work:
        scheduled = [scheduler.start(step(name, *pauses)) for name, *pauses in (("a", 2, 2), ("b", 1, 1, 2), ("c", 4))]
        yield Join(tuple(scheduled))

    scheduler = Scheduler(VirtualClock())
    scheduler.run(main())
    assert "".join(done) == "babcab"


def test_a_failure_wakes_the_one_that_waits_and_others_can_be_stopped() -> None:
    done: list[str] = []

    def slow() -> Work:
        try:
            yield Pause(10)
            done.append("slow")
        finally:
            done.append("stopped")

    def bad() -> Work:
        yield Pause(1)
        raise StateFailed("E")

    def main() -> Work:
        fibers: tuple[Fiber, ...] = (scheduler.start(slow()), scheduler.start(bad()))
        yield Join(fibers)
        assert fibers[1].failure is not None
        scheduler.stop(*fibers)
        return clock.elapsed()

    clock = VirtualClock()
    scheduler = Scheduler(clock)
    assert (scheduler.run(main()), done) == (1, ["stopped"])


def test_what_is_left_at_the_end_is_stopped() -> None:
    stopped: list[bool] = []

    def forgotten() -> Work:
        try:
            yield Pause(1000)
        finally:
            stopped.append(True)

    def main() -> Work:
        scheduler.start(forgotten())
        yield Pause(0)
        raise StateFailed("E", "c")

    clock = VirtualClock()
    scheduler = Scheduler(clock)
    with pytest.raises(StateFailed, match="E"):
        scheduler.run(main())
    assert (stopped, clock.elapsed()) == ([True], 0)


@given(st.lists(st.lists(st.floats(0, 100), max_size=4), max_size=5))
def test_joined_work_takes_as_long_as_the_longest(pauses: list[list[float]]) -> None:
    def wait(times: list[float]) -> Work:
        for seconds in times:
            yield Pause(seconds)

    def main() -> Work:
        yield Join(tuple(scheduler.start(wait(times)) for times in pauses))

    clock = VirtualClock()
    scheduler = Scheduler(clock)
    scheduler.run(main())
    assert clock.elapsed() == pytest.approx(max((sum(times) for times in pauses), default=0))


def test_real_time_really_sleeps() -> None:
    passed = [0.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        passed[0] += seconds

    def main() -> Work:
        yield Pause(3)
        clock.sleep(2)
        assert clock.lap() == 0
        yield Pause(1)
        return clock.elapsed()

    clock = RealClock(sleep=sleep, monotonic=lambda: passed[0])
    assert (Scheduler(clock).run(main()), slept) == (6, [3, 2, 1])


def test_a_sleeping_task_sees_its_time_pass_before_the_others_do() -> None:
    clock = VirtualClock()
    clock.sleep(5)
    assert (clock.now().second, clock.elapsed()) == (5, 0)
    assert (clock.lap(), clock.lap(), clock.now().second) == (5, 0, 0)
