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

"""Which of a worker's requests wait for a host, and which of them is next.

Only the next one has to ask placement whether requests of other workers go
first.  A burst would ask placement for as many journals as it has requests,
times and again.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import threading

# When a request began, and what tells it from others of the same moment.
Place = tuple[float, str]


class HostQueues:
    """The requests of one worker, by the hosts that they wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Provider to the places of the requests.
        self._places: collections.defaultdict[str, set[Place]] = (
            collections.defaultdict(set)
        )

    @contextlib.contextmanager
    def joined(self, providers: Iterable[str], place: Place) -> Iterator[None]:
        """Let a request wait on its hosts, until it has gone or given up.

        :param providers: of the hosts.
        :param place: of the request, which has its journal open.
        """
        its_providers = set(providers)
        with self._lock:
            for provider in its_providers:
                self._places[provider].add(place)
        try:
            yield
        finally:
            with self._lock:
                for provider in its_providers:
                    self._places[provider].discard(place)
                    if not self._places[provider]:
                        del self._places[provider]

    def is_next(self, provider: str, place: Place) -> bool:
        """Tell whether no other request of the worker began before."""
        with self._lock:
            return place <= min(self._places.get(provider, ()), default=place)
