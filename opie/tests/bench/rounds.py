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

"""Runs the arms by turns and keeps the times."""

from opie.tests.bench import layout
from opie.tests.bench import room
from opie.tests.bench import stack

ARMS = {
    'stock': 'a  nova, with room',
    'pass_one': 'b  opie, with room, both weighers',
    'preempt': 'c  opie, full cloud, until evictions start',
    'preempt_fully': 'c_full  opie, full cloud, until the host is told',
    'retry': 'd  nova, full cloud: delete, wait, try again',
}
_WITH_ROOM = ('stock', 'pass_one')
_FULL = ('preempt', 'preempt_fully', 'retry')
# In every third round the preemptor is small enough for one victim.
_SMALL_EVERY = 3


def run(arms, people, number):
    """Run all arms in each of a number of rounds, forwards and backwards.

    :param arms: an :class:`arms.Arms`.
    :param people: the :class:`population.Population` they work on.
    :returns: arm to its first call's Stopwatch, which comes before the
        rounds, and arm to the list of those of the rounds.
    """
    first = _round(arms, people, layout.PREEMPTOR_VCPUS, 1, 0)
    times = {arm: [] for arm in ARMS}
    for index in range(number):
        is_small = index % _SMALL_EVERY == _SMALL_EVERY - 1
        vcpus = (
            layout.SMALL_PREEMPTOR_VCPUS
            if is_small
            else layout.PREEMPTOR_VCPUS
        )
        step = -1 if index % 2 else 1
        depth = stack.depth(index, number)
        for arm, watch in _round(arms, people, vcpus, step, depth).items():
            times[arm].append(watch)
    return first, times


def _round(arms, people, vcpus, step, depth):
    flavor = people.flavors[vcpus]
    times = {}
    with room.on_every_host(people.databases):
        for arm in _WITH_ROOM[::step]:
            times[arm] = stack.call(depth, getattr(arms, arm), flavor)
    for arm in _FULL[::step]:
        times[arm] = stack.call(depth, getattr(arms, arm), flavor)
    return times
