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
one of them have planned in vain.  So while several preempt, the hosts are
shared out among them: a worker prefers its own, as long as these cost little
more than the cheapest of all.  As the others take the cheapest ones of theirs,
all of them together take the cheapest ones of the cloud.
"""

from collections.abc import Collection
from collections.abc import Iterable
import hashlib
import time
import typing

# How long after its beginning a preemption tells that its worker is busy.
_BUSY_SECONDS = 5

# Which part more than the least a worker's own host may cost.
TOLERANCE = 0.20


class Preemption(typing.Protocol):
    """A :class:`journal_names.Preemption`."""

    @property
    def worker(self) -> str: ...

    @property
    def began(self) -> float | None: ...


def busy(preemptions: Iterable[Preemption], worker: str) -> frozenset[str]:
    """Return the other workers that have begun preemptions just now.

    :param preemptions: all that are in the journal.
    :param worker: the one that asks.
    """
    now = time.time()
    return frozenset(
        one.worker
        for one in preemptions
        if one.began is not None and abs(now - one.began) < _BUSY_SECONDS
    ) - {worker}


def own_ones(
    providers: Collection[str], worker: str, others: Collection[str]
) -> set[str]:
    """Return those of some providers whose hosts are a worker's own.

    All workers share the providers out alike, without asking one another:
    each has a number by chance for each of them, and the highest one has it.

    Source: rendezvous hashing, Thaler and Ravishankar 1998.
    """
    return {
        provider
        for provider in providers
        if all(
            _number(worker, provider) > _number(other, provider)
            for other in others
        )
    }


def _number(worker: str, provider: str) -> bytes:
    return hashlib.sha256((worker + provider).encode()).digest()
