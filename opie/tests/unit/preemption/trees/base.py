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

"""Asks opie's core and the installed placement the same, by names."""

from oslo_utils.fixture import uuidsentinel as uuids
import testtools

from opie.preemption import model
from opie.preemption.trees import providers
from opie.tests.trees import clouds
from opie.tests.trees import compared
from opie.tests.trees import real_cloud

SHARING = providers.SHARING
AVX = 'HW_CPU_X86_AVX'
AVX2 = 'HW_CPU_X86_AVX2'
SSD = 'STORAGE_DISK_SSD'

# Uuid to the name of each provider that a test has made.
_names = {}


def provider(name, parent=None, traits=(), aggregates=(), **inventories):
    """Return a provider.

    :param inventories: resource class to a total or an inventory.
    """
    uuid = getattr(uuids, name)
    _names[uuid] = name
    return providers.Provider(
        uuid,
        {
            one: model.Inventory(item) if isinstance(item, int) else item
            for one, item in inventories.items()
        },
        parent and getattr(uuids, parent),
        frozenset(traits),
        frozenset(getattr(uuids, one) for one in aggregates),
    )


def cloud(*some, preemptible=(), **servers):
    """Return a cloud.

    :param servers: server to provider to what it holds there.
    """
    return clouds.Cloud(
        some,
        {
            getattr(uuids, name): {
                getattr(uuids, one): resources
                for one, resources in held.items()
            }
            for name, held in servers.items()
        },
        frozenset(getattr(uuids, name) for name in preemptible),
    )


def pairs_of(text):
    """Return the pairs of a query in which names stand for uuids."""
    pairs = []
    for key, value in clouds.pairs_of(text):
        if key.startswith(('in_tree', 'member_of')):
            prefix, names = '', value
            for one in ('!', 'in:'):
                if names.startswith(one):
                    prefix, names = prefix + one, names.removeprefix(one)
            named = (getattr(uuids, name) for name in names.split(','))
            value = prefix + ','.join(named)
        pairs.append((key, value))
    return pairs


class TreesTestCase(testtools.TestCase):
    """Has a cloud in placement, and the same as values."""

    def setUp(self):
        super().setUp()
        self.real = self.useFixture(real_cloud.RealCloud())

    def have(self, *some, **servers):
        """Have a cloud of these; placement loses the preemptible servers."""
        self.cloud = cloud(*some, **servers)
        self.real.have(self.cloud)
        self.real.delete(self.cloud.preemptible)

    def proposed(self, text):
        """Return what both propose without preemptible servers.

        :returns: for each proposal, the names of the providers for each
            suffix, as in ``=host 1=gpu``.
        """
        pairs = pairs_of(text)
        found = compared.by_opie(self.cloud.without_preemptible(), pairs)
        told = compared.by_placement(self.real, self.cloud, pairs)
        self.assertEqual(told, found)
        return {_named(proposal) for proposal in found}

    def assertProposed(self, expected, text):
        self.assertEqual(set(expected), self.proposed(text), text)


def _named(proposal):
    return ' '.join(
        '%s=%s' % (suffix, ','.join(sorted(_names[uuid] for uuid in some)))
        for suffix, some in sorted(proposal.mappings)
    )
