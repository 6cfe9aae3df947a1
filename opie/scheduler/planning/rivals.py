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

"""Keeps workers that preempt at the same moment from choosing alike.

Workers that plan on the same facts find the same hosts cheapest, and all but
one of them have planned in vain.  So while others preempt, a worker chooses
among the hosts of nearly equal cost in an order of its own.
"""

from collections.abc import Collection
from collections.abc import Iterable
import hashlib
import time
import typing

from oslo_utils import uuidutils

# How long after its beginning a preemption of another worker tells that this
# worker is busy.
_BUSY_SECONDS = 10
# How many preemptors of its own a worker remembers.
_MOST_OWN = 10_000

# Which part more than the least a host may cost, so that workers differ.
TOLERANCE = 0.02


class Preemption(typing.Protocol):
    """A :class:`journal_names.Preemption`."""

    @property
    def preemptor(self) -> str: ...

    @property
    def began(self) -> float | None: ...


class Rivals:
    """The other workers, as one worker sees them in the journal."""

    def __init__(self) -> None:
        self._own: set[str] = set()
        self._name = uuidutils.generate_uuid()

    def note_own(self, preemptors: Iterable[str]) -> None:
        """Note preemptors of this worker, before their journal is opened."""
        if len(self._own) > _MOST_OWN:
            self._own.clear()
        self._own.update(preemptors)

    def are_there(self, preemptions: Iterable[Preemption]) -> bool:
        """Tell whether other workers have begun preemptions just now.

        :param preemptions: all that are in the journal.
        """
        now = time.time()
        return any(
            one.began is not None
            and abs(now - one.began) < _BUSY_SECONDS
            and one.preemptor not in self._own
            for one in preemptions
        )

    def order(self, providers: Collection[str]) -> dict[str, int]:
        """Return provider to its place in the order of this worker."""

        def key(provider: str) -> bytes:
            return hashlib.sha256((self._name + provider).encode()).digest()

        return {
            provider: place
            for place, provider in enumerate(sorted(providers, key=key))
        }
