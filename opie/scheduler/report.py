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

"""What the operator's log says of plans."""

import collections
import contextlib
import threading

from oslo_log import log as logging

from opie.preemption import bounds

LOG = logging.getLogger(__name__)


def refused(shot, plan):
    """Return why no host can serve, with counts; log each host's reason.

    :param shot: a :class:`opie.scheduler.planning.snapshot.Snapshot`.
    :param plan: an infeasible :class:`opie.preemption.model.Plan`.
    """
    reasons = _log_reasons(shot, plan)
    counts = collections.Counter(reasons.values())
    too_many = bounds.too_many(shot.request.most_victims or 0)
    if too_many in counts:
        counts[too_many + ' ([opie] max_victims_per_request)'] = counts.pop(
            too_many
        )
    if not counts:
        return 'no host matches its traits, aggregates or destination'
    return ', '.join(
        '%d of %d hosts: %s' % (count, len(reasons), reason)
        for reason, count in sorted(
            counts.items(), key=lambda item: (-item[1], item[0])
        )
    )


def _log_reasons(shot, plan):
    for uuid, reason in sorted(plan.reasons.items()):
        LOG.debug(
            '%(host)s cannot take %(preemptors)s: %(reason)s.',
            {
                'host': shot.names.get(uuid, uuid),
                'preemptors': ', '.join(shot.request.preemptors),
                'reason': reason,
            },
        )
    return plan.reasons


def planned(shot, plan, is_dry_run):
    """Log a feasible plan."""
    _log_reasons(shot, plan)
    for nomination in plan.nominations:
        LOG.info(
            '%(what)s %(preemptor)s on %(host)s, at the cost of %(victims)s.',
            {
                'what': 'Dry run: would place' if is_dry_run else 'Placing',
                'preemptor': nomination.preemptor,
                'host': shot.names[nomination.provider],
                'victims': ', '.join(
                    server.uuid for server in nomination.victims
                )
                or 'nobody',
            },
        )
    if not plan.is_least:
        LOG.info(
            'There may be a plan for %s that costs less: a search took too '
            'long, or the limit of victims left no time for the cost.',
            ', '.join(shot.request.preemptors),
        )
    LOG.debug(
        'The plan costs %(cost)s; its request: %(request)s.',
        {'cost': plan.cost, 'request': shot.request},
    )


def void(uuids, attempt, reason):
    """Log that a plan could not be carried out."""
    LOG.info(
        'Plan %(attempt)d for %(preemptors)s is void: %(reason)s.',
        {
            'attempt': attempt,
            'preemptors': ', '.join(uuids),
            'reason': reason,
        },
    )


class _Count:
    """A number that threads add to."""

    def __init__(self):
        self._lock = threading.Lock()
        self._value = 0

    def add(self, number):
        """Add to it; return what it is then."""
        with self._lock:
            self._value += number
            return self._value


_waste = _Count()


def wasted(number, preemptors, victims=()):
    """Count and log servers that went in vain.

    :param number: how many.
    :param preemptors: uuids of those that they went for.
    :param victims: their uuids, if known.
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


@contextlib.contextmanager
def wasted_unless_served(preemptors):
    """Count those as wasted that went for a request that fails.

    Yields a set for the uuids of servers that have left their room to a later
    plan; if there is none somebody else has got it.
    """
    evicted = set()
    try:
        yield evicted
    except Exception:
        if evicted:
            wasted(len(evicted), preemptors, evicted)
        raise
