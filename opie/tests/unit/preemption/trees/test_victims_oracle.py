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

"""The victims on drawn trees are the least ones, by trying all sets."""

import collections
import itertools
import random as random_numbers

import testtools

from opie.preemption import errors
from opie.preemption.trees import proposals
from opie.preemption.trees import query
from opie.preemption.trees import victims
from opie.tests.trees import drawn

_CLOUDS = 250
_REQUESTS_PER_CLOUD = 4


def has_room(forest, request):
    return any(True for _ in proposals.propose(forest, request))


def least_key(forest, request, servers):
    """Return the least key of a set without which there is room, or None."""
    return min(
        (
            sum(server.key for server in some)
            for number in range(len(servers) + 1)
            for some in itertools.combinations(servers, number)
            if has_room(
                forest.without(server.held for server in some), request
            )
        ),
        default=None,
    )


class OracleTest(testtools.TestCase):
    def test_the_victims_are_the_least(self):
        counts = collections.Counter()
        for seed in range(_CLOUDS):
            random = random_numbers.Random(seed)
            drawer = drawn.Drawer(random)
            cloud = drawer.cloud()
            forest = cloud.forest()
            servers = [
                victims.PotentialVictim(
                    uuid, cloud.servers[uuid], random.randint(0, 9)
                )
                for uuid in sorted(cloud.preemptible)
            ]
            for _ in range(_REQUESTS_PER_CLOUD):
                pairs = drawer.request(cloud)
                try:
                    request = query.read(pairs)
                except errors.InvalidRequest:
                    continue
                found = self.check(forest, request, servers, (seed, pairs))
                counts[found and len(found.victims)] += 1
        # With many of each, or else little would be said.
        self.assertGreater(counts[None], 200)
        self.assertGreater(counts[0], 100)
        self.assertGreater(counts[1], 30)
        self.assertGreater(counts[2], 5)

    def check(self, forest, request, servers, case):
        found = victims.choose(forest, request, servers)
        least = least_key(forest, request, servers)
        if found is None:
            self.assertIsNone(least, case)
            return None
        self.assertEqual((least, True), (found.key, found.is_least), case)
        gone = forest.without(server.held for server in found.victims)
        self.assertIn(
            found.proposal.taken,
            {one.taken for one in proposals.propose(gone, request)},
            case,
        )
        return found
