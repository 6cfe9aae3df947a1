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

"""How the threads of a scheduler worker are shared out.

Each request that a worker serves holds one of its threads, also while it waits
for room.  So requests that wait for room get a part of the threads only, and
nova's ordinary requests keep the others.
"""

from oslo_config import cfg
from oslo_messaging import opts as messaging_opts

_OPTION = 'executor_thread_pool_size'
# Source: oslo_messaging/server.py, the default of that option.
_POOL_OF_OTHERS = 64
# What nova's own requests have by default, and twice as many for requests that
# wait for room.
_DEFAULT_POOL = 192


def pool(conf):
    """Return executor_thread_pool_size, which servers register late.

    :param conf: nova's CONF, parsed, with opie's options registered.
    """
    for group, options in messaging_opts.list_opts():
        for option in options:
            if option.name == _OPTION:
                conf.register_opt(option, group)
    return conf.executor_thread_pool_size


def widen_pool(conf):
    """Give the worker more threads, unless the operator says how many.

    This must come before nova starts the RPC server.
    """
    pool(conf)
    conf.set_default(_OPTION, _DEFAULT_POOL)


def conductors_pool(conf):
    """Return how many threads a conductor has by the same nova.conf."""
    size = pool(conf)
    is_ours = conf.get_location(_OPTION).location is cfg.Locations.set_default
    return _POOL_OF_OTHERS if is_ours else size


def seats(conf):
    """Return how many requests may wait for room, or be planned, at a time."""
    return max(1, pool(conf) * 2 // 3)


def slots(conf):
    """Return for how many requests victims may be evicted at a time."""
    return conf.opie.max_concurrent_preemptions or max(1, pool(conf) // 4)
