"""Jobs done side by side: whose error it is that ends them."""

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
    assert pool._result(Late(), StopSignal()) == "late"


def test_a_jobs_own_timeout_is_its_error():
    def job():
        raise TimeoutError("the job's")

    with pytest.raises(TimeoutError, match="the job's"):
        list(pool.run_in_order([job, job], 2, StopSignal()))
