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

"""Patches that the benchmark needs inside of opie's scheduler.

Everything else goes through ``select_destinations``.
"""

import contextlib
from unittest import mock

import nova.conf
import oslo_messaging as messaging

from opie.preemption import planner
from opie.scheduler import filter_scheduler
from opie.scheduler.preempting import eviction

CONF = nova.conf.CONF


class _Enough(Exception):
    """Evictions would start now; opie gives everything back."""


@contextlib.contextmanager
def stopped_before_evictions(stop):
    """Let no eviction start.

    :param stop: called, without arguments, when one would.
    """

    def run(_eviction):
        stop()
        raise _Enough

    with (
        mock.patch.object(eviction.Eviction, 'run', run),
        # The scheduler would log the error _Enough.
        mock.patch.object(filter_scheduler.LOG, 'exception'),
    ):
        yield stop


def forget_trees(manager):
    """Let opie know no tree of a host, as after its start.

    :param manager: opie's FilterScheduler.
    """
    hosts = manager._pass_two._worker.hosts
    hosts.trees.forget_all_but(frozenset())
    hosts.unread_trees.forget_all_but(frozenset())


def known_trees(manager):
    """Return of how many hosts opie knows the tree.

    :param manager: opie's FilterScheduler.
    """
    return len(manager._pass_two._worker.hosts.unread_trees._held)


def planned_victims(manager, boot):
    """Let opie plan without acting.

    :param manager: opie's FilterScheduler.
    :param boot: a :class:`boots.Boot` that finds no room.
    :returns: uuid of the host's provider, uuids of the victims.
    """
    plans = []
    real = planner.make_plan

    def make_plan(*args, **kwargs):
        plans.append(real(*args, **kwargs))
        return plans[-1]

    CONF.set_override('dry_run', True, 'opie')
    try:
        with mock.patch.object(planner, 'make_plan', make_plan):
            boot.schedule(manager)
    except messaging.ExpectedException:
        pass
    finally:
        CONF.clear_override('dry_run', 'opie')
    victims = plans[-1].victims
    return victims[0][0], [server.uuid for _, server in victims]
