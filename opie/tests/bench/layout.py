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

"""The sizes of hosts and servers, and which servers are on which host.

Every host has the same size and eight preemptible servers that fill it: its
layout is one of three, and repeats every seven hosts.  A preemptor of 12 VCPU
needs two victims on most hosts and three on some; one of 8 VCPU needs one on
most.
"""

import datetime
import random

HOST_VCPUS = 32
SERVERS_PER_HOST = 8
MEMORY_MB_PER_VCPU = 2048
DISK_GB_PER_VCPU = 25

_A = (8, 8, 4, 4, 2, 2, 2, 2)
_B = (8, 4, 4, 4, 4, 4, 2, 2)
_C = (4,) * 8
PERIOD = (_A, _B, _A, _C, _A, _B, _A)

PREEMPTOR_VCPUS = 12
SMALL_PREEMPTOR_VCPUS = 8
FLAVOR_VCPUS = (2, 4, 8, 12)

_SEED = 2019
_MAX_RUNTIME_SECONDS = 3 * 24 * 3600
# Longer than any server has run: no server's cost falls while servers are
# chosen, so that costs at one moment order them as those at any other.
BILLING_PERIOD_SECONDS = 4 * 24 * 3600


def host_name(number):
    return 'host-%05d' % number


def servers_on(number):
    """Return the VCPU of each of a host's servers."""
    return PERIOD[number % len(PERIOD)]


def resources(vcpus):
    """Return what placement books for a server."""
    return {
        'VCPU': vcpus,
        'MEMORY_MB': vcpus * MEMORY_MB_PER_VCPU,
        'DISK_GB': vcpus * DISK_GB_PER_VCPU,
    }


def runtimes_seconds(number):
    """Return how long each of a host's servers has run; always the same."""
    numbers = random.Random(_SEED * 1_000_000 + number)
    return [
        numbers.randrange(_MAX_RUNTIME_SECONDS)
        for _ in range(SERVERS_PER_HOST)
    ]


def launched_at(number, now):
    """Return when each of a host's servers was launched, to the second.

    :param now: a datetime.
    """
    return [
        (now - datetime.timedelta(seconds=seconds)).replace(microsecond=0)
        for seconds in runtimes_seconds(number)
    ]
