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

"""What the operator's log says of plans and of wasted evictions."""

import collections
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import re
import threading

from oslo_log import log as logging

from opie.preemption import model

LOG = logging.getLogger(__name__)

_UUID = re.compile('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


def why_infeasible(request: model.Request, plan: model.Plan) -> str:
    """Return why no host can serve: each reason, with its number of hosts.

    :param plan: an infeasible plan.
    """
    counts = collections.Counter(plan.reasons.values())
    cut_short = model.CUT_SHORT.reason
    if cut_short in counts:
        counts[cut_short + ' ([opie] max_planning_seconds)'] = counts.pop(
            cut_short
        )
    too_many = model.Unfit.by_limit(request.most_victims or 0).reason
    if too_many in counts:
        counts[too_many + ' ([opie] max_victims_per_request)'] = counts.pop(
            too_many
        )
    if not counts:
        return 'no host matches its traits, aggregates or destination'
    return ', '.join(
        '%d of %d hosts: %s' % (count, len(plan.reasons), reason)
        for reason, count in sorted(
            counts.items(), key=lambda item: (-item[1], item[0])
        )
    )


def log_reasons(
    request: model.Request, plan: model.Plan, names: Mapping[str, str]
) -> None:
    """Log of each host that a plan has left out why.

    :param names: provider to the name of its compute node.
    """
    for uuid, reason in sorted(plan.reasons.items()):
        LOG.debug(
            '%(host)s cannot take %(preemptors)s: %(reason)s.',
            {
                'host': names.get(uuid, uuid),
                'preemptors': ', '.join(request.preemptors),
                'reason': reason,
            },
        )


def planned(
    request: model.Request,
    plan: model.Plan,
    names: Mapping[str, str],
    is_dry_run: bool,
) -> None:
    """Log a feasible plan.

    :param names: provider to the name of its compute node.
    """
    log_reasons(request, plan, names)
    for nomination in plan.nominations:
        LOG.info(
            '%(what)s %(preemptor)s on %(host)s, at the cost of %(victims)s'
            '%(leaving)s.',
            {
                'what': 'Dry run: would place' if is_dry_run else 'Placing',
                'preemptor': nomination.preemptor,
                'host': names[nomination.provider],
                'victims': ', '.join(
                    one.uuid
                    for one in nomination.victims
                    if not one.is_leaving
                )
                or 'no server',
                'leaving': ''.join(
                    ', once %s has left' % one.uuid
                    for one in nomination.victims
                    if one.is_leaving
                ),
            },
        )
    if plan.is_cut_short:
        LOG.info(
            'There may be a plan for %s that costs less: the search was over '
            'after [opie] max_planning_seconds.',
            ', '.join(request.preemptors),
        )
    elif not plan.is_least:
        LOG.info(
            'There may be a plan for %s that costs less: a search took too '
            'long, a host has too many devices to try all sets of them, or '
            'the limit of victims left no time for the cost.',
            ', '.join(request.preemptors),
        )
    LOG.debug(
        'The plan costs %(cost)s; its request: %(request)s.',
        {'cost': plan.cost, 'request': request},
    )


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Return a text with the names of hosts in place of their providers.

    Placement and its client know a host by the uuid of its provider.

    :param names: provider to the name of its compute node.
    """
    return _UUID.sub(lambda found: names.get(found[0], found[0]), text)


def void(
    preemptors: Sequence[str], plan_number: int, reason: Exception | str
) -> None:
    """Log that a plan could not be made or carried out."""
    LOG.info(
        'Plan %(plan)d for %(preemptors)s is void: %(reason)s.',
        {
            'plan': plan_number,
            'preemptors': ', '.join(preemptors),
            'reason': reason,
        },
    )


def served(preemptors: Sequence[str], void_plans: int) -> None:
    """Log that a request has its room, if it took several plans."""
    if void_plans:
        LOG.info(
            'There is room for %(preemptors)s after %(plans)d void plans.',
            {'preemptors': ', '.join(preemptors), 'plans': void_plans},
        )


class _Count:
    """A number that threads add to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value = 0

    def add(self, number: int) -> int:
        """Add to it; return what it is then."""
        with self._lock:
            self._value += number
            return self._value


_waste = _Count()


def wasted(
    number: int,
    preemptors: Sequence[str],
    victims: Collection[str] = (),
) -> None:
    """Count and log wasted evictions.

    :param preemptors: uuids of the servers that the victims went for.
    :param victims: uuids, empty if only their number is known.
    """
    LOG.warning(
        'Wasted evictions: %(number)d for %(preemptors)s%(victims)s; '
        '%(total)d since this worker has started.',
        {
            'number': number,
            'preemptors': ', '.join(preemptors),
            'victims': ''.join(' %s' % uuid for uuid in sorted(victims)),
            'total': _waste.add(number),
        },
    )


class Evicted:
    """The victims that the void attempts of one request have sent away."""

    def __init__(self) -> None:
        # Victim to the provider of its host.
        self._providers: dict[str, str] = {}
        self._failed: set[str] = set()
        self._used: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self._providers)

    def add(self, victims: Mapping[str, str], failed: Collection[str]) -> None:
        """Add victims of a void attempt.

        :param victims: victim to the provider of its host.
        :param failed: uuids of servers that leave no room to a later plan.
        """
        self._providers.update(victims)
        self._failed.update(failed)

    def note_served(self, providers: Iterable[str]) -> None:
        """Note that the request has its room on some providers."""
        self._used = frozenset(providers)

    def wasted(self) -> set[str]:
        """Return the victims whose room the request has not used."""
        return {
            victim
            for victim, provider in self._providers.items()
            if victim in self._failed or provider not in self._used
        }


@contextlib.contextmanager
def wasted_unless_used(preemptors: Sequence[str]) -> Iterator[Evicted]:
    """Count the victims of void attempts as wasted when a request ends.

    Those count whose room the request has not used, because no plan succeeds,
    or because the one that does is on another host.
    """
    evicted = Evicted()
    try:
        yield evicted
    finally:
        in_vain = evicted.wasted()
        if in_vain:
            wasted(len(in_vain), preemptors, in_vain)
