"""Jobs done side by side: their order, and whose error it is that ends them."""

import threading
from concurrent.futures import Future

import pytest

from framework.runtime import thread_pool as pool
from framework.runtime.environment import StopSignal


class Late(Future):
    """A result that comes right after it was waited for in vain."""

    def result(self, timeout=None):
        try:
            return super().result(0 if timeout else None)
        finally:
            if not super().done():
                self.set_result("late")

    def done(self):
        if not super().done():
            self.set_result("late")
        return super().done()


def test_a_result_that_comes_when_its_wait_ends_is_no_timeout():
    assert pool.await_result(Late(), StopSignal()) == "late"


def test_a_jobs_own_timeout_is_its_error():
    def job():
        raise TimeoutError("the job's")

    with pytest.raises(TimeoutError, match="the job's"):
        list(pool.run_in_order([job, job], 2, StopSignal()))


def test_results_are_there_while_the_next_job_is_waited_for():
    read = threading.Event()

    def jobs():
        yield lambda: 1
        yield lambda: 2
        assert read.wait(20)
        yield lambda: 3

    results = pool.run_in_order(jobs(), 4, StopSignal())
    assert [next(results), next(results)] == [1, 2]
    read.set()
    assert list(results) == [3]


def test_an_error_of_the_jobs_comes_after_the_results_before_it():
    def jobs():
        yield lambda: 1
        raise ValueError("no more")

    results = pool.run_in_order(jobs(), 2, StopSignal())
    assert next(results) == 1
    with pytest.raises(ValueError, match="no more"):
        next(results)


def test_no_job_is_begun_when_too_many_results_are_unread():
    begun = []
    full = threading.Event()

    def job(number):
        begun.append(number)
        if len(begun) == 2 * pool.WINDOW:
            full.set()
        return number

    def jobs():
        for number in range(50):
            yield lambda number=number: job(number)

    results = pool.run_in_order(jobs(), 2, StopSignal())
    assert next(results) == 0
    assert full.wait(20)
    assert len(begun) <= 2 * pool.WINDOW + 1
    assert list(results) == list(range(1, 50))
