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

"""The settings that a user may choose: a cloud's size and behaviour.

The settings are kept with the cloud, so that the next ``up`` needs no options.
"""

import dataclasses
import math

from opie.sandbox import errors

# NOTE: nova/virt/fake.py; more than these no host of the stand-in can have.
MAX_VCPUS = 1000
MAX_RAM_MB = 800_000
MAX_HOSTS = 200
MAX_SCHEDULERS = 20

# A host that misses this many signs of life counts as down.
_REPORTS_UNTIL_DOWN = 5
# What all hosts do periodically, one machine does.  So each of many hosts does
# it less often.
_REPORTS_A_SECOND = 5
_LEAST_REPORT_SECONDS = 2
_UPDATES_A_MINUTE = 10
# NOTE: nova/conf/compute.py has it as the default.
_LEAST_UPDATE_SECONDS = 60

_RANGES = {
    'hosts': (1, MAX_HOSTS),
    'vcpus': (1, MAX_VCPUS),
    'ram_mb': (512, MAX_RAM_MB),
    'schedulers': (1, MAX_SCHEDULERS),
    'report_interval_seconds': (1, 60),
    'service_down_seconds': (2, 600),
    'preemption_timeout_seconds': (1, 1710),
    'destroy_seconds': (0, 600),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """The choices, each with its default.

    :ivar vcpus: of each host, without overcommitment.
    :ivar ram_mb: of each host, without overcommitment.
    :ivar compute_processes: how many processes run the hosts. All but the
        first run one host each, the last ones, which can so be stopped alone.
    :ivar has_glance: whether glance is real, or a stand-in.
    :ivar has_neutron: whether neutron is real, or a stand-in.
    :ivar has_opie: whether nova-api and the schedulers are opie's, or nova's
        own.
    :ivar report_interval_seconds: how often a host says that it is alive;
        None for what suits the other settings, :attr:`report_seconds`.
    :ivar service_down_seconds: how long after that a host counts as down;
        None for what suits the other settings, :attr:`down_seconds`.
    :ivar destroy_seconds: how long a host takes to destroy a server's guest.
    :ivar policy: more for nova's policy file: name to rule.
    :ivar nova_options: more for nova.conf: section to option to value.
    """

    hosts: int = 5
    vcpus: int = 16
    ram_mb: int = 32768
    schedulers: int = 1
    compute_processes: int = 1
    has_glance: bool = False
    has_neutron: bool = False
    has_opie: bool = True
    report_interval_seconds: int | None = None
    service_down_seconds: int | None = None
    # A burst on two cores takes half of it.
    preemption_timeout_seconds: int = 60
    destroy_seconds: int = 0
    policy: dict[str, str] = dataclasses.field(default_factory=dict)
    nova_options: dict[str, dict[str, str]] = dataclasses.field(
        default_factory=dict
    )

    def check(self):
        """Return itself.

        :raises errors.SandboxError: if no cloud can be made of it.
        """
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if value is not None:
                _check_range(name, value, least, most)
        _check_range(
            'compute_processes', self.compute_processes, 1, self.hosts
        )
        if self.down_seconds <= self.report_seconds:
            raise errors.SandboxError(
                'service_down_seconds must be more than '
                'report_interval_seconds, or hosts that are alive count as '
                'down.'
            )
        return self

    @property
    def report_seconds(self):
        """How often a host says that it is alive: less often beside many."""
        if self.report_interval_seconds is not None:
            return self.report_interval_seconds
        seconds = max(
            _LEAST_REPORT_SECONDS, math.ceil(self.hosts / _REPORTS_A_SECOND)
        )
        if self.service_down_seconds is None:
            return seconds
        return min(
            seconds, max(1, self.service_down_seconds // _REPORTS_UNTIL_DOWN)
        )

    @property
    def down_seconds(self):
        """How long after a sign of life a host counts as down."""
        if self.service_down_seconds is not None:
            return self.service_down_seconds
        return _REPORTS_UNTIL_DOWN * self.report_seconds

    @property
    def update_seconds(self):
        """How often a host tells nova and placement of its resources."""
        return max(_LEAST_UPDATE_SECONDS, self.hosts * 60 // _UPDATES_A_MINUTE)

    def host_groups(self):
        """Return the names of the hosts that each compute process runs."""
        names = ['host%d' % (i + 1) for i in range(self.hosts)]
        shared = self.hosts - self.compute_processes + 1
        return [names[:shared], *([name] for name in names[shared:])]


def _check_range(name, value, least, most):
    if not least <= value <= most:
        raise errors.SandboxError(
            '%s must be from %d to %d, not %d.'
            % (name.replace('_', ' '), least, most, value)
        )
