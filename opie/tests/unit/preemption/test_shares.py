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


"""The shares: what each preemptor takes of each victim."""

import dataclasses

import hypothesis
from hypothesis import strategies as st
import testtools

from opie.preemption import shares
from opie.tests.unit.preemption import builders
from opie.tests.unit.preemption import oracle
from opie.tests.unit.preemption import strategies

host = builders.host
inventory = builders.inventory
request = builders.request
server = builders.server


@builders.scenarios(
    {
        'a preemptor takes all of a victim as large as itself': (
            host('a', server('v', VCPU=2), VCPU=2),
            request('p', VCPU=2),
            {'v': {'p': {'VCPU': 2}}},
        ),
        'the surplus of a large victim stays allocated to it': (
            host('a', server('v', VCPU=8), VCPU=8),
            request('p', VCPU=2),
            {'v': {'p': {'VCPU': 2}}},
        ),
        'what victims have is taken before what is free': (
            host('a', server('v', VCPU=3), VCPU=4),
            request('p', VCPU=2),
            {'v': {'p': {'VCPU': 2}}},
        ),
        'what victims lack comes from what is free': (
            host('a', server('v', VCPU=3), VCPU=4),
            request('p', VCPU=4),
            {'v': {'p': {'VCPU': 3}}},
        ),
        'the largest victim gives first': (
            host('a', server('v', VCPU=1), server('w', VCPU=3), VCPU=4),
            request('p', VCPU=3),
            {'v': {'p': {}}, 'w': {'p': {'VCPU': 3}}},
        ),
        'of two alike the first uuid gives first': (
            host('a', server('w', VCPU=2), server('v', VCPU=2), VCPU=4),
            request('p', VCPU=3),
            {'v': {'p': {'VCPU': 2}}, 'w': {'p': {'VCPU': 1}}},
        ),
        'classes that were not asked for stay with the victim': (
            host('a', server('v', VCPU=2, DISK_GB=9), VCPU=2, DISK_GB=9),
            request('p', VCPU=2),
            {'v': {'p': {'VCPU': 2}}},
        ),
        'two preemptors share one victim': (
            host('a', server('v', VCPU=4), VCPU=4),
            request('p', 'q', VCPU=2),
            {'v': {'p': {'VCPU': 2}, 'q': {'VCPU': 2}}},
        ),
        'the first preemptor takes first': (
            host('a', server('v', VCPU=3), VCPU=4),
            request('p', 'q', VCPU=2),
            {'v': {'p': {'VCPU': 2}, 'q': {'VCPU': 1}}},
        ),
        'who has taken enough takes nothing of the next victim': (
            host('a', server('v', VCPU=3), server('w', VCPU=1), VCPU=4),
            request('p', 'q', VCPU=2),
            {
                'v': {'p': {'VCPU': 2}, 'q': {'VCPU': 1}},
                'w': {'q': {'VCPU': 1}},
            },
        ),
        'a victim that goes for a filter belongs to the first preemptor': (
            host('a', server('v', DISK_GB=1), VCPU=4, DISK_GB=1),
            request('p', 'q', VCPU=2),
            {'v': {'p': {}}},
        ),
        'the part left on a victim is a multiple of the step': (
            host('a', server('v', VCPU=6), VCPU=inventory(8, step_size=2)),
            request('p', VCPU=4),
            {'v': {'p': {'VCPU': 4}}},
        ),
        'the part left on a victim is no less than the least unit': (
            host('a', server('v', VCPU=4), VCPU=inventory(8, min_unit=3)),
            request('p', VCPU=3),
            {'v': {'p': {'VCPU': 1}}},
        ),
        'a victim too small to be divided keeps all': (
            host('a', server('v', VCPU=4), VCPU=inventory(8, min_unit=4)),
            request('p', VCPU=4),
            {'v': {'p': {'VCPU': 4}}},
        ),
        'a second victim too small to be divided keeps all': (
            host(
                'a',
                server('v', VCPU=4),
                server('w', VCPU=2),
                VCPU=inventory(8, min_unit=2),
            ),
            request('p', VCPU=5),
            {'v': {'p': {'VCPU': 4}}, 'w': {'p': {}}},
        ),
        'what units leave to a victim cannot be had elsewhere': (
            host('a', server('v', VCPU=4), VCPU=inventory(4, min_unit=3)),
            request('p', VCPU=3),
            None,
        ),
        'half a core that is free is no core': (
            host(
                'a',
                server('v', VCPU=5),
                VCPU=inventory(11, allocation_ratio=0.5, min_unit=3),
            ),
            request('p', VCPU=3),
            None,
        ),
        'a host over capacity has nothing free': (
            host(
                'a',
                server('v', VCPU=4),
                server('w', VCPU=4),
                VCPU=inventory(7, min_unit=3),
            ),
            request('p', VCPU=5),
            {'v': {'p': {'VCPU': 4}}, 'w': {'p': {'VCPU': 1}}},
        ),
        'a victim larger than the greatest unit cannot stay allocated': (
            host('a', server('v', VCPU=8), VCPU=inventory(8, max_unit=4)),
            request('p', VCPU=2),
            None,
        ),
        'a victim between two steps gives until it is on one': (
            host('a', server('v', VCPU=7), VCPU=inventory(8, step_size=2)),
            request('p', VCPU=6),
            {'v': {'p': {'VCPU': 5}}},
        ),
        'a victim between two steps cannot stay allocated as it is': (
            host(
                'a',
                server('v', VCPU=8),
                server('w', VCPU=7),
                VCPU=inventory(15, step_size=2),
            ),
            request('p', VCPU=8),
            None,
        ),
    }
)
class ShareOutTest(testtools.TestCase):
    def check(self, host, request, expected):
        self.assertEqual(
            expected,
            shares.share_out(
                host,
                host.potential_victims,
                dict.fromkeys(request.preemptors, request.resources),
            ),
        )


class NobodyGoesTest(testtools.TestCase):
    def test_without_victims_there_is_nothing_to_share(self):
        empty = host('a', VCPU=4)
        self.assertEqual({}, shares.share_out(empty, [], {'p': {'VCPU': 4}}))


class OneVictimTest(testtools.TestCase):
    @strategies.SETTINGS
    @hypothesis.given(
        strategies.any_units(),
        st.integers(1, 16),
        st.integers(1, 16),
        st.integers(0, 16),
    )
    def test_it_is_split_exactly_when_units_allow(
        self, units, held, wanted, half_cores_free
    ):
        cores = inventory(
            2 * held + half_cores_free,
            allocation_ratio=0.5,
            **dataclasses.asdict(units),
        )
        crowded = host('a', server('v', VCPU=held), VCPU=cores)
        hypothesis.assume(
            oracle.fits(crowded, {'VCPU': wanted}, crowded.potential_victims)
        )
        split = shares.share_out(
            crowded, crowded.potential_victims, {'p': {'VCPU': wanted}}
        )
        self.assertEqual(
            oracle.is_split(crowded.inventories['VCPU'], held, wanted),
            split is not None,
        )
