"""An executor of real threads of which one runs at a time, in an order that is given beforehand."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from threading import Semaphore, Thread, current_thread
from typing import Any, TypeVar

T = TypeVar("T")


class BatonExecutor(Executor):
    """Threads hand over a baton wherever the code that they run calls `pause`, so every run is the same run.

    The baton first goes round when `works` works have been submitted. Who gets it next is the pick modulo the number of
    threads that could take it.
    """

    def __init__(self, threads: int, works: int, picks: Sequence[int]) -> None:
        self._max_workers = threads
        self._works = works
        self._picks = picks
        self._waiting: dict[Thread, Semaphore] = {}
        self._ended: set[Thread] = set()
        self._returned = Semaphore(0)
        self._director = Thread(target=self._direct)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Make a thread for it, which waits for the baton."""
        future: Future[T] = Future()

        def work() -> None:
            self._waiting[current_thread()].acquire()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001  # it belongs to whoever asks the future
                    future.set_exception(error)
            self._ended.add(current_thread())
            self._returned.release()

        thread = Thread(target=work)
        self._waiting[thread] = Semaphore(0)
        thread.start()
        if len(self._waiting) == self._works:
            self._director.start()
        return future

    def pause(self) -> None:
        """Give the baton back, and wait for it."""
        self._returned.release()
        self._waiting[current_thread()].acquire()

    def _direct(self) -> None:
        nth = 0
        while threads := [thread for thread in self._waiting if thread not in self._ended]:
            chosen = threads[self._picks[nth % len(self._picks)] % len(threads)]
            self._waiting[chosen].release()
            self._returned.acquire()
            nth += 1

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  # as inherited
        """Wait for all threads."""
        del cancel_futures
        if wait and self._works:
            for thread in (self._director, *self._waiting):
                thread.join()
