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


"""Asks nova's quota drivers what nova's conductor will ask them.

The conductor asks when the servers of a request have their records.

* The usual driver counts the records of a project's servers, in all cells.  A
  server in ERROR without a host counts; a server without a record does not.
* With ``[quota] count_usage_from_placement`` it counts instance mappings,
  which a server has from the first moment, and what placement has allocated.
* With unified limits, Keystone has the limits, and the same is counted.
"""

from __future__ import annotations

from collections.abc import Iterable
import dataclasses
import typing

from nova import context as nova_context
from nova import exception
from nova import objects
import nova.conf
from nova.limit import placement as placement_limits
from nova.limit import utils as limit_utils

from opie.scheduler import resources
from opie.scheduler.nova_db import builds

CONF = nova.conf.CONF

_NOOP_DRIVER = 'nova.quota.NoopQuotaDriver'

# What is counted in instances, cores and MB of RAM.
_NAMES = ('instances', 'cores', 'ram')

# The error that nova ends servers with that are too many, None for others.
_Answer = Exception | None


@dataclasses.dataclass(frozen=True)
class Driver:
    """Asks about the servers of one request.

    :ivar context: the requester's.
    :ivar number: how many servers they are.
    :cvar counts_claims: whether nova counts what is claimed in placement.
    """

    context: nova_context.RequestContext
    spec: objects.RequestSpec
    project_id: str
    user_id: str
    number: int

    counts_claims: typing.ClassVar[bool] = True

    @property
    def requested(self) -> builds.Usage:
        """What nova will count for the servers."""
        flavor = self.spec.flavor
        return builds.Usage(
            self.user_id,
            self.number,
            self.number * flavor.vcpus,
            self.number * flavor.memory_mb,
        )

    def why_not(
        self,
        pending: Iterable[builds.Usage],
        planned: Iterable[builds.Usage] = (),
    ) -> _Answer:
        """Return what nova would say to servers that have no claim yet.

        :param pending: other servers of the project that have their claim,
            and no record yet.
        :param planned: others of the project that have no claim yet.
        """
        raise NotImplementedError

    def why_not_claimed(
        self, dropped: Iterable[tuple[str, resources.Amounts]]
    ) -> _Answer:
        """Return what nova would say to servers that have their claim.

        :param dropped: (user id, amounts) of other claims of the project,
            which are about to be dropped.
        """
        raise NotImplementedError


class _DatabaseDriver(Driver):
    """Asks about limits that are in nova's database."""

    def _ask(self, more: list[builds.Usage]) -> _Answer:
        """Return what nova would say to more use than it counts now.

        NOTE: as nova/compute/utils.py, check_num_instances_quota.
        """
        users_limits = objects.Quotas.get_all_by_project_and_user(
            self.context, self.project_id, self.user_id
        )
        is_limited = not users_limits.keys().isdisjoint(_NAMES)
        counted = objects.Quotas.count_as_dict(
            self.context,
            'instances',
            self.project_id,
            user_id=self.user_id if is_limited else None,
        )
        of_project = _sum(counted['project'], more)
        of_user = {}
        if is_limited:
            own = [one for one in more if one.user_id == self.user_id]
            of_user = _sum(counted['user'], own)
        try:
            objects.Quotas.limit_check_project_and_user(
                self.context,
                project_values=dict(of_project),
                user_values=dict(of_user),
                project_id=self.project_id,
                user_id=self.user_id,
            )
        except exception.OverQuota as exc:
            scope = exc.kwargs.get('scope', 'user' if of_user else 'project')
            return self._answer(
                exc.kwargs['overs'],
                of_user if scope == 'user' else of_project,
                exc.kwargs['quotas'],
            )
        return None

    def _answer(
        self, overs: list[str], values: dict[str, int], limits: dict[str, int]
    ) -> Exception:
        requested = self.requested._asdict()
        used = {name: values[name] - requested[name] for name in overs}
        return exception.TooManyInstances(
            overs=', '.join(overs),
            req=', '.join(str(requested[name]) for name in overs),
            used=', '.join(str(used[name]) for name in overs),
            allowed=', '.join(str(limits[name]) for name in overs),
        )


class _Records(_DatabaseDriver):
    """Asks where nova counts the records of servers."""

    counts_claims = False

    def why_not(
        self,
        pending: Iterable[builds.Usage],
        planned: Iterable[builds.Usage] = (),
    ) -> _Answer:
        return self._ask([self.requested, *pending, *planned])


class _ClaimsAndMappings(_DatabaseDriver):
    """Asks where nova counts allocations and instance mappings.

    A server has its mapping before it comes to the scheduler.
    """

    def why_not(
        self,
        pending: Iterable[builds.Usage],
        planned: Iterable[builds.Usage] = (),
    ) -> _Answer:
        return self._ask(
            [one._replace(instances=0) for one in (self.requested, *planned)]
        )

    def why_not_claimed(
        self, dropped: Iterable[tuple[str, resources.Amounts]]
    ) -> _Answer:
        return self._ask(
            [
                builds.Usage(
                    user_id,
                    0,
                    -amounts.get('VCPU', 0) - amounts.get('PCPU', 0),
                    -amounts.get('MEMORY_MB', 0),
                )
                for user_id, amounts in dropped
            ]
        )


class _UnifiedLimits(Driver):
    """Asks where Keystone has the limits.

    What is planned has no amounts by resource class yet.  It counts when it is
    claimed.
    """

    def why_not(
        self,
        pending: Iterable[builds.Usage],
        planned: Iterable[builds.Usage] = (),
    ) -> _Answer:
        return self._enforce(self.number, {'servers': 0})

    def why_not_claimed(
        self, dropped: Iterable[tuple[str, resources.Amounts]]
    ) -> _Answer:
        amounts = resources.total(amounts for _, amounts in dropped)
        return self._enforce(
            0, {'class:' + name: -amount for name, amount in amounts.items()}
        )

    def _enforce(self, number: int, changes: dict[str, int]) -> _Answer:
        """Return what nova would say.

        :param number: of servers for which nothing is allocated yet.
        :param changes: limit to what counts instead of what they ask for.
        """
        flavor_only = getattr(
            placement_limits, 'enforce_num_instances_and_flavor', None
        )
        try:
            if flavor_only:
                # NOTE: nova before 34.
                flavor_only(
                    self.context,
                    self.project_id,
                    self.spec.flavor,
                    self.spec.is_bfv,
                    number,
                    number,
                    delta_updates=changes,
                )
            else:
                placement_limits.enforce_num_instances_and_resources(
                    self.context,
                    self.project_id,
                    self.spec,
                    number,
                    number,
                    delta_updates=changes,
                )
        except exception.TooManyInstances as exc:
            return exc
        return None


def driver_class() -> type[Driver] | None:
    """Return which driver nova asks, None if it asks none."""
    if not CONF.quota.recheck_quota or CONF.quota.driver == _NOOP_DRIVER:
        return None
    if limit_utils.use_unified_limits():
        return _UnifiedLimits
    if CONF.quota.count_usage_from_placement:
        return _ClaimsAndMappings
    return _Records


def _sum(counted: dict[str, int], more: list[builds.Usage]) -> dict[str, int]:
    """Return what would be used; nova accepts nothing below zero."""
    return {
        name: max(0, counted[name] + sum(getattr(one, name) for one in more))
        for name in _NAMES
    }
