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

"""What the planner asks while it plans."""

from collections.abc import Mapping
from collections.abc import Set
import typing

from opie.preemption import model


class LiveCloud(typing.Protocol):
    """What the planner asks while it plans.

    Each answer is dear, because it takes databases, placement or the cloud's
    filters.  So the planner asks only about hosts that can still win.
    """

    def read(
        self, providers: tuple[str, ...]
    ) -> Mapping[str, model.Host | model.Unfit]:
        """Read hosts anew, because the given ones may be out of date.

        Returns an answer for each of the providers: the host as it is now, or
        why it cannot serve the request even if all potential victims go.
        """
        ...

    def with_free(self, some: model.Amounts) -> Set[str]:
        """Return the providers of all hosts that have so much free now.

        A host counts if it would give out each of these amounts, whatever else
        the request asks of it.
        """
        ...

    def unfit_ones(
        self, providers: tuple[str, ...]
    ) -> Mapping[str, model.Unfit]:
        """Return those of many hosts that the cloud's filters refuse, and why.

        A host counts if it is refused as it is, and if it is refused with all
        its potential victims gone.  Nothing else of the hosts is read.
        """
        ...

    def why_refused(
        self,
        provider: str,
        gone: frozenset[str],
        nominations: tuple[model.Nomination, ...],
        taking: model.Taking | None = None,
    ) -> str | None:
        """Ask the cloud's own filters about one host.

        Called with the host's provider, the uuids of all servers that would be
        gone from the host, the nominations that come before for the same
        request, and what the preemptor would take if its request is spread.
        Returns None when the host passes, or the reason why not.
        """
        ...

    def rank_by_weight(self, providers: tuple[str, ...]) -> Mapping[str, int]:
        """Return the rank that the cloud's weighers give each host.

        Lower comes first.  The rank decides between hosts of equal cost, and
        between hosts of nearly equal cost where a request tolerates that.
        """
        ...

    def is_search_over(self) -> bool:
        """Tell whether to end with the hosts whose victims are chosen by now.

        Once it is so, it stays so.  The choice on such a host may be a quick
        one, and some time is left to examine these hosts.
        """
        ...

    def is_time_over(self) -> bool:
        """Tell whether to end with what the filters have accepted by now.

        Once it is so, it stays so.
        """
        ...
