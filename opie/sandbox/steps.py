# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Runs steps, in parallel where their order allows, and reports each one.

After a step has failed, or a user asked to stop, no other step begins.
"""

from collections.abc import Callable
import concurrent.futures
import dataclasses
import graphlib
import threading
import time

from opie.sandbox import errors

_LOOK_SECONDS = 0.1
_WORKERS = 32


@dataclasses.dataclass(frozen=True)
class Step:
    """A function to call once the steps that it needs are done."""

    name: str
    do: Callable[['Stop'], None]
    needs: tuple[str, ...] = ()


class Stop:
    """Tells waiting threads to give up."""

    def __init__(self):
        self._event = threading.Event()

    def ask(self):
        self._event.set()

    def check(self):
        """:raises errors.Interrupted: if it was asked for."""
        if self._event.is_set():
            raise errors.Interrupted('Interrupted.')

    def sleep(self, seconds=_LOOK_SECONDS):
        self._event.wait(seconds)
        self.check()


def run(steps, report, abort):
    """Do all of them.

    :param report: called with the name of a step that is done and the seconds
        that it took.
    :param abort: called when a step failed, or this thread was interrupted,
        to make those that still run end soon.
    :raises: what the first step that failed has raised.
    """
    by_name = {step.name: step for step in steps}
    order = graphlib.TopologicalSorter(
        # A need that is no step of this run is done already.
        {
            step.name: [name for name in step.needs if name in by_name]
            for step in steps
        }
    )
    order.prepare()
    stop = Stop()
    with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:
        try:
            _run(by_name, order, pool, stop, report)
        except BaseException:
            stop.ask()
            abort()
            raise


def _run(by_name, order, pool, stop, report):
    running = {}
    while order.is_active():
        for name in order.get_ready():
            running[pool.submit(_timed, by_name[name], stop)] = name
        # Without a timeout no signal would be noticed.
        done, _ = concurrent.futures.wait(
            running,
            _LOOK_SECONDS,
            return_when=concurrent.futures.FIRST_COMPLETED,
        )
        for future in done:
            name = running.pop(future)
            report(name, future.result())
            order.done(name)


def _timed(step, stop):
    start = time.monotonic()
    stop.check()
    try:
        step.do(stop)
    except errors.SandboxError:
        raise
    except Exception as error:
        stop.check()
        raise errors.NotStarted(
            '%s failed: %s: %s' % (step.name, type(error).__name__, error)
        ) from error
    return time.monotonic() - start
