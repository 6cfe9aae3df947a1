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
"""Measures bursts: 64 requests at once, on clouds of several sizes.

By turns, nova's schedulers place them on an empty cloud, and opie's make room
for them on a cloud that is full of preemptible servers.  Each round begins
with the cloud as it was before the first one.
"""

import dataclasses
import time

# NOTE: chooses nova's threading, so before the rest of nova.
from opie.tests.bench import cloud as cloud_module  # isort: skip

from opie.tests.bench import burst_report
from opie.tests.bench import bursts
from opie.tests.bench import computes
from opie.tests.bench import layout
from opie.tests.bench import ordinary
from opie.tests.bench import population
from opie.tests.bench import refusals
from opie.tests.bench import report
from opie.tests.bench import room
from opie.tests.bench import scheduler_process
from opie.tests.bench import schedulers
from opie.tests.bench import upkeep
from opie.tests.bench import victim_costs

ROUNDS = 3
SCHEDULERS = [1, 3]
# All requests of a burst find room on so many empty hosts.
LEAST_HOSTS = 50

# After so much time a cloud is measured with as few rounds as possible.
_ENOUGH_SECONDS = 600
_REFUSAL_ROUNDS = 5
# For connections to be made, and what is read once to be read.
_WARM_UP_REQUESTS = 6
# What comes beside plain boots.
_OTHERS = {
    scheduler_process.STOCK: 'more plain boots',
    scheduler_process.OPIES: 'preemptions',
}
# In every third round the preemptors are small enough for one victim.
_SMALL_EVERY = 3


@dataclasses.dataclass
class Cloud:
    """What is measured.

    :ivar people: a :class:`population.Population`.
    :ivar computes: a :class:`computes.Computes`.
    :ivar fleet: a :class:`schedulers.Fleet`.
    """

    people: population.Population
    computes: computes.Computes
    fleet: schedulers.Fleet


@dataclasses.dataclass(frozen=True)
class Round:
    """One burst of each kind.

    :ivar stock: the :class:`bursts.Outcome` of nova's schedulers.
    :ivar opie: that of opie's.
    :ivar cost_ratio: what the victims cost, divided by the least that victims
        for as many requests as were served can cost; None if none was.
    """

    stock: bursts.Outcome
    opie: bursts.Outcome
    cost_ratio: float | None


def measure(options):
    """Measure all sizes; print tables and return lines of JSON.

    :param options: with the numbers of hosts, of schedulers and of rounds.
    """
    lines = []
    deadline = time.monotonic() + _ENOUGH_SECONDS
    with cloud_module.running() as people:
        for size in sorted(options.hosts):
            people.grow(size)
            people.analyze()
            its_computes = computes.Computes(people.cell, [])
            with schedulers.running(
                max(options.schedulers), people, its_computes.terminate
            ) as fleet:
                its_computes.managers.append(fleet)
                cloud = Cloud(people, its_computes, fleet)
                for number in sorted(options.schedulers):
                    lines += _measure(cloud, number, options.rounds, deadline)
        return lines + refusals.measure_on(
            people, refusals.create_flavors(), _REFUSAL_ROUNDS
        )


def _measure(cloud, number, most_rounds, deadline):
    """Measure one cloud with a number of schedulers."""
    sizes = {'hosts': len(cloud.people.hosts), 'schedulers': number}
    burst_report.head(**sizes)
    flavor = cloud.people.flavors[layout.PREEMPTOR_VCPUS]
    _round(cloud, number, flavor, _WARM_UP_REQUESTS, 1)
    rounds = []
    while len(rounds) < most_rounds:
        if rounds and time.monotonic() > deadline:
            report.say('The time is over after %d rounds.' % len(rounds))
            break
        index = len(rounds)
        is_small = index % _SMALL_EVERY == _SMALL_EVERY - 1
        vcpus = (
            layout.SMALL_PREEMPTOR_VCPUS
            if is_small
            else layout.PREEMPTOR_VCPUS
        )
        flavor = cloud.people.flavors[vcpus]
        step = -1 if index % 2 else 1
        rounds.append(_round(cloud, number, flavor, bursts.REQUESTS, step))
        burst_report.row(rounds[-1])
    pairs = {}
    for kind in (scheduler_process.STOCK, scheduler_process.OPIES):
        pairs[kind] = ordinary.measure(cloud, number, kind)
        burst_report.plain_boots(pairs[kind], _OTHERS[kind])
    steady = ordinary.measure(
        cloud,
        number,
        scheduler_process.OPIES,
        ordinary.part_of_quiet(pairs[scheduler_process.OPIES]),
    )
    burst_report.plain_boots(steady, _OTHERS[scheduler_process.OPIES])
    return burst_report.lines(rounds, **sizes) + burst_report.ordinary_lines(
        pairs[scheduler_process.OPIES],
        pairs[scheduler_process.STOCK],
        steady,
        **sizes,
    )


def _round(cloud, number, flavor, requests, step):
    outcomes = {}
    for kind in (_stock, _opie)[::step]:
        outcomes.update(kind(cloud, number, flavor, requests))
    return Round(**outcomes)


def _stock(cloud, number, flavor, requests):
    boots = _make_boots(cloud, flavor, requests)
    with room.without_servers(cloud.people.databases):
        outcome = bursts.send(
            cloud.fleet,
            cloud.fleet.managers(scheduler_process.STOCK, number),
            boots,
        )
        bursts.forget(boots)
    if len(outcome.served) < requests:
        raise upkeep.NotAsBefore(
            'nova has refused requests on an empty cloud: %s'
            % dict(outcome.reasons)
        )
    return {'stock': outcome}


def _opie(cloud, number, flavor, requests):
    boots = _make_boots(cloud, flavor, requests)
    costs = victim_costs.read(cloud.people.databases['cell'])
    outcome = bursts.send(
        cloud.fleet,
        cloud.fleet.managers(scheduler_process.OPIES, number),
        boots,
    )
    cloud.computes.finish()
    _check_claims(cloud, outcome.served, bursts.claimants(boots))
    bursts.forget(boots)
    upkeep.restore(cloud.people, cloud.computes)
    return {
        'opie': outcome,
        'cost_ratio': victim_costs.ratio(outcome, costs, flavor.vcpus),
    }


def _check_claims(cloud, served, claimants):
    """Check that those requests have claims that were served."""
    wrong = served ^ claimants
    if wrong:
        raise upkeep.NotAsBefore(
            'Served without a claim: %s. With a claim and not served: %s. '
            'What the schedulers have logged of them:\n%s'
            % (
                ', '.join(served - claimants) or 'none',
                ', '.join(claimants - served) or 'none',
                ''.join(cloud.fleet.log_lines(wrong)),
            )
        )


def _make_boots(cloud, flavor, requests):
    with cloud.people.fast_commits():
        return bursts.make_boots(flavor, requests)
