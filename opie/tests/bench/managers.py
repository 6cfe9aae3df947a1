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

"""The two schedulers that are compared: nova's own and opie's."""

import time
from unittest import mock

from nova import context as nova_context
import nova.conf
from nova.scheduler import host_manager as nova_host_manager
from nova.scheduler import manager as nova_manager

from opie.scheduler import filter_scheduler
from opie.scheduler import host_manager

CONF = nova.conf.CONF

_WEIGHERS = [
    'nova.scheduler.weights.all_weighers',
    'opie.scheduler.weights.preemptible.PreemptibleDurationWeigher',
    'opie.scheduler.weights.preemptible.PreemptibleCountWeigher',
]
_POLL_SECONDS = 0.1


def make(servers_on):
    """Return (nova's scheduler manager, opie's), both in the same state.

    Both track instances, as is nova's default, and both have been told by
    every host which servers it has, so that neither asks the database.

    :param servers_on: host name to the uuids of its servers.
    """
    stock = nova_manager.SchedulerManager()
    stock.init_host(None)
    opies = make_opies()
    for manager in (stock, opies):
        _sync(manager, servers_on)
    return stock, opies


def make_opies():
    """Return opie's scheduler manager, which knows of no server yet."""
    CONF.set_override('weight_classes', _WEIGHERS, 'filter_scheduler')
    # NOTE: nova/scheduler/manager.py builds the host manager by this name.
    with mock.patch.object(
        nova_host_manager, 'HostManager', host_manager.HostManager
    ):
        manager = filter_scheduler.FilterScheduler()
    CONF.clear_override('weight_classes', 'filter_scheduler')
    manager.init_host(None)
    return manager


def _sync(manager, servers_on):
    context = nova_context.get_admin_context()
    known = manager.host_manager._instance_info
    while servers_on.keys() - known.keys():
        # nova reads them in a thread, and starts with an empty dict.
        time.sleep(_POLL_SECONDS)
        known = manager.host_manager._instance_info
    for host, uuids in servers_on.items():
        manager.sync_instance_info(context, host, uuids)
        if not known[host]['updated']:
            raise RuntimeError('A scheduler does not know what is on ' + host)
