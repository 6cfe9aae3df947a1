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

"""Weighers that prefer hosts whose preemptible servers cost least to evict.

The weighers steer ordinary scheduling away from hosts that are full of
preemptible servers.  A host without preemptible servers is the top of both
scales.  The multiplier of a weigher is an option; the metadata of a host's
aggregates may replace it for that host, under the option's name, as with
nova's own weighers.  The weighers need opie's HostManager, which tells which
servers run where.
"""

import time

import nova.conf
from nova.scheduler import utils as scheduler_utils
from nova.scheduler import weights
from oslo_log import log as logging

import opie.conf
from opie.preemption import cost

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

opie.conf.register_opts(CONF)


class PreemptibleWeigher(weights.BaseHostWeigher):
    """What the weighers have in common; not for ``weight_classes``.

    nova.scheduler.weights.all_weighers looks in nova's package only, so that
    an operator who does not name a weigher does not get it.

    :cvar multiplier_option: name of the option in [DEFAULT] that is the
        multiplier, and of the metadata of aggregates that replaces it.
    """

    multiplier_option: str

    maxval = 0
    _has_complained = False

    # The option is read once for all hosts, because a look-up costs more than
    # a weight.
    _multiplier = None

    def weight_multiplier(self, host_state):
        """Return the multiplier for one host, of its aggregates or option."""
        return scheduler_utils.get_weight_multiplier(
            host_state, self.multiplier_option, self._multiplier
        )

    def weigh_objects(self, weighed_obj_list, weight_properties):
        """Return a weight for each of nova's weighed hosts."""
        self._multiplier = CONF[self.multiplier_option]
        weigh = self._make_weigh()
        return [
            # The top of the scale, where clocks disagree as well.
            min(self.maxval, weigh(self._preemptibles(weighed.obj)))
            for weighed in weighed_obj_list
        ]

    def _weigh_object(self, host_state, weight_properties):
        return self._make_weigh()(self._preemptibles(host_state))

    def _make_weigh(self):
        """Return a function of a host's preemptible servers."""
        raise NotImplementedError

    def _preemptibles(self, host_state):
        servers = getattr(host_state, 'preemptibles', None)
        if servers is None:
            if not self._has_complained:
                LOG.error(
                    '%s has no effect: the scheduler does not run with '
                    'scheduler_host_manager = '
                    'opie.scheduler.host_manager.HostManager.',
                    type(self).__name__,
                )
                type(self)._has_complained = True
            return ()
        return servers


class PreemptibleCountWeigher(PreemptibleWeigher):
    """Rank hosts with fewer preemptible servers higher."""

    multiplier_option = 'preemptible_count_weight_multiplier'

    def _make_weigh(self):
        return lambda servers: -len(servers)


class PreemptibleDurationWeigher(PreemptibleWeigher):
    """Rank hosts with less time that cannot be billed higher.

    That time is the sum, over a host's preemptible servers, of the seconds
    which each has run beyond its last full billing period.
    """

    multiplier_option = 'preemptible_duration_weight_multiplier'

    def _make_weigh(self):
        period = CONF.opie.billing_period_seconds
        now = time.time()
        begun_seconds = cost.seconds_beyond_last_full_period

        def weigh(servers):
            return -sum(
                [
                    begun_seconds(now - server.launched_at, period)
                    for server in servers
                    if server.launched_at is not None
                ]
            )

        return weigh
