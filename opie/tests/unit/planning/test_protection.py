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

"""Which preemptible servers of a host are potential victims."""

import itertools

import testtools

from opie.scheduler.nova_db import preemptibles
from opie.scheduler.planning import protection
from opie.tests.unit.preemption import builders


def server(**values):
    """Return a server that runs on host1, but for some values."""
    return preemptibles.PreemptibleServer(
        **{
            'uuid': 'server',
            'project_id': 'project',
            'host': 'host1',
            'node': 'host1',
            'vm_state': 'active',
            'task_state': None,
            'launched_at': 0.0,
            'locked_by': None,
            'disable_terminate': False,
            'memory_mb': 512,
            'vcpus': 1,
            'root_gb': 1,
            'ephemeral_gb': 0,
            **values,
        }
    )


@builders.scenarios(
    {
        'a server that runs': ({}, {}, True),
        'a server in ERROR, which holds its resources': (
            {'vm_state': 'error'},
            {},
            True,
        ),
        'a server that nova has failed to delete for a preemption': (
            {'vm_state': 'error', 'asked_to_delete_at': 0.0},
            {},
            False,
        ),
        'a server whose state was reset since': (
            {'vm_state': 'active', 'asked_to_delete_at': None},
            {},
            True,
        ),
        'a server with the lock of its owner': (
            {'locked_by': 'owner'},
            {},
            True,
        ),
        'a server with the lock of an administrator': (
            {'locked_by': 'admin'},
            {},
            False,
        ),
        'a server that may not be terminated': (
            {'disable_terminate': True},
            {},
            False,
        ),
        'a shelved server, which holds nothing': (
            {'vm_state': 'shelved_offloaded'},
            {},
            False,
        ),
        'a soft-deleted server, which its user may restore': (
            {'vm_state': 'soft-delete'},
            {},
            True,
        ),
        'a server that is being soft-deleted': (
            {'task_state': 'soft-deleting'},
            {},
            False,
        ),
        'a soft-deleted server that is being restored': (
            {'vm_state': 'soft-delete', 'task_state': 'restoring'},
            {},
            False,
        ),
        'a soft-deleted server with the lock of an administrator': (
            {'vm_state': 'soft-delete', 'locked_by': 'admin'},
            {},
            False,
        ),
        'a server that is being deleted': (
            {'task_state': 'deleting'},
            {},
            False,
        ),
        'a server that is busy': ({'task_state': 'rebooting'}, {}, False),
        'a server of a protected project': (
            {},
            {'projects': frozenset(['project'])},
            False,
        ),
        'a server of a flavor that has lost its mark': (
            {'flavor_id': 'p1.small'},
            {'unmarked_flavors': frozenset(['p1.small'])},
            False,
        ),
        'a server with another mark of the same flavor': (
            {'flavor_id': None},
            {'unmarked_flavors': frozenset(['p1.small'])},
            True,
        ),
        'a server of another flavor': (
            {'flavor_id': 'p1.large'},
            {'unmarked_flavors': frozenset(['p1.small'])},
            True,
        ),
        'a server on a protected host': (
            {},
            {'protected_hosts': frozenset(['host1'])},
            False,
        ),
        'a server on a host that no aggregate allows': (
            {},
            {'is_evictable_by_default': False},
            False,
        ),
        'a server on a host that an aggregate allows': (
            {},
            {
                'is_evictable_by_default': False,
                'evictable_hosts': frozenset(['host1']),
            },
            True,
        ),
        'a server on a host of which aggregates disagree': (
            {},
            {
                'protected_hosts': frozenset(['host1']),
                'evictable_hosts': frozenset(['host1']),
            },
            False,
        ),
    }
)
class TestPotentialVictims(testtools.TestCase):
    def check(self, values, protected, is_one):
        one = server(**values)
        found = protection.Protection(**protected).potential_victims(
            'host1', [one]
        )
        self.assertEqual((one,) if is_one else (), found)


class TestExcluded(testtools.TestCase):
    def test_a_server_that_is_excluded_is_no_victim(self):
        one, other = server(uuid='one'), server(uuid='other')
        found = protection.Protection().potential_victims(
            'host1', [one, other], {'one'}
        )
        self.assertEqual((other,), found)


class TestMayGo(testtools.TestCase):
    def test_victims_may_go_and_what_leaves_anyway(self):
        servers = [
            server(uuid='victim'),
            server(uuid='leaving', task_state='deleting'),
            server(uuid='busy', task_state='rebooting'),
            server(uuid='locked', locked_by='admin'),
        ]
        self.assertEqual(
            {'victim', 'leaving'},
            protection.Protection().may_go('host1', servers),
        )


class ShortcutTest(testtools.TestCase):
    def test_it_says_what_all_the_rules_say(self):
        """Of any mixture of what they look at."""
        protected = protection.Protection()
        for values in itertools.product(
            ('active', 'error', 'stopped', 'soft-delete', 'shelved_offloaded'),
            (None, 'deleting', 'soft-deleting', 'powering-off'),
            (None, 'owner', 'admin'),
            (False, True),
            (None, 'has a vTPM'),
            (None, 0.0),
        ):
            one = server(
                vm_state=values[0],
                task_state=values[1],
                locked_by=values[2],
                disable_terminate=values[3],
                why_user_bound=values[4],
                asked_to_delete_at=values[5],
            )
            why = (
                protection.why_no_victim(one)
                or protection.why_busy(one)
                or protection.why_undeletable(one)
            )
            self.assertEqual(why, protected.why_excluded(one), one)
