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

"""opie's core proposes for any request what placement proposes.

Clouds and requests are drawn.  Each request is asked for before and after the
preemptible servers of the cloud are deleted; opie's core is told of all the
servers, and leaves the preemptible ones out itself.  For one request of each
cloud that lacks room, victims are chosen.  Placement has to accept the claim
that takes of them, and to propose once they are deleted what they were chosen
for.
"""

import collections
import os
import random as random_numbers
import sys

import hypothesis
from hypothesis import strategies
import testtools
from testtools import content

from opie.preemption.trees import query
from opie.preemption.trees import takings
from opie.preemption.trees import victims
from opie.scheduler import resources
from opie.tests.trees import compared
from opie.tests.trees import drawn
from opie.tests.trees import real_cloud
from opie.tests.unit.stand_ins import real_placement

PREEMPTOR = 'd0000000-0000-0000-0000-000000000000'
SEED_VARIABLE = 'OPIE_TEST_SEED'
CASES_VARIABLE = 'OPIE_TEST_CASES'
_CASES = 300
_REQUESTS_PER_CLOUD = 6
_SEED = 20261130
# In each hundred requests there are at least so many of these.
_LEAST = {
    'a proposal': 25,
    'a proposal only without the preemptible servers': 2,
    'several groups, and a proposal': 8,
    'nested, and a proposal': 20,
    'sharing, and a proposal': 10,
    'required, and a proposal': 5,
    'member_of, and a proposal': 5,
}


class ProposalsTest(testtools.TestCase):
    """A short run, the same each time, unless OPIE_TEST_CASES is set."""

    def setUp(self):
        super().setUp()
        self.real = self.useFixture(real_cloud.RealCloud())
        self.counts = collections.Counter()

    def test_opie_proposes_what_placement_proposes(self):
        cases = int(os.environ.get(CASES_VARIABLE) or 0)
        seed = int(
            os.environ.get(SEED_VARIABLE)
            or (random_numbers.getrandbits(32) if cases else _SEED)
        )
        cases = cases or _CASES
        self.addDetail('seed', content.text_content(str(seed)))
        phases = [hypothesis.Phase.generate]
        if cases != _CASES:
            # It takes minutes.
            phases.append(hypothesis.Phase.shrink)
        # Each is drawn anew, and not from what was drawn before.
        randoms = strategies.randoms(use_true_random=True)
        try:
            hypothesis.seed(seed)(
                hypothesis.settings(
                    max_examples=-(-cases // _REQUESTS_PER_CLOUD),
                    phases=(hypothesis.Phase.generate,),
                    suppress_health_check=tuple(hypothesis.HealthCheck),
                    deadline=None,
                    database=None,
                )(hypothesis.given(randoms)(self.check))
            )()
        finally:
            print(
                '%s=%d\n%s' % (SEED_VARIABLE, seed, self.summary()),
                file=sys.__stderr__,
            )
        for kind, percent in _LEAST.items():
            self.assertGreater(
                self.counts[kind] * 100,
                percent * self.counts['requests'],
                kind,
            )

    def check(self, random):
        drawer = drawn.Drawer(random)
        cloud = drawer.cloud()
        some = [drawer.request(cloud) for _ in range(_REQUESTS_PER_CLOUD)]
        self.counts['clouds'] += 1
        self.real.have(cloud)
        forest = cloud.forest()
        before = [self.compare(cloud, forest, pairs) for pairs in some]
        gone = self.evict_for_one(cloud, some, before)
        self.real.delete(cloud.preemptible - gone)
        forest = cloud.without_preemptible()
        for pairs, earlier in zip(some, before, strict=True):
            found = earlier
            if cloud.preemptible:
                found = self.compare(cloud, forest, pairs)
            self.count(cloud, pairs, earlier, found)

    def evict_for_one(self, cloud, some, before):
        """Delete the least victims for a request that has no room.

        :returns: which servers these are.
        """
        forest = cloud.forest(is_strict=not real_placement.is_lenient())
        servers = [
            victims.PotentialVictim(uuid, cloud.servers[uuid], 1)
            for uuid in sorted(cloud.preemptible)
        ]
        for pairs, earlier in zip(some, before, strict=True):
            if earlier:
                continue
            choice = victims.choose(forest, query.read(pairs), servers)
            if choice is None:
                continue
            self.claim(forest, choice)
            gone = {server.uuid for server in choice.victims}
            self.real.delete(gone)
            told = compared.by_placement(self.real, cloud, pairs)
            if told != compared.FAILED:
                taken = {proposal.taken for proposal in told}
                self.assertIn(choice.proposal.taken, taken, (pairs, cloud))
            self.counts['with the least victims deleted'] += 1
            self.counts['with several least victims'] += len(gone) > 1
            return gone
        return set()

    def claim(self, forest, choice):
        """Have placement accept the claim, and drop the preemptor again."""
        taken = takings.take(forest, choice.victims, choice.proposal)
        if taken is None:
            self.counts['units do not allow the claim'] += 1
            return
        self.real.claim(
            PREEMPTOR,
            choice.proposal.allocations,
            {
                server.uuid: resources.subtract(
                    server.held, taken[server.uuid]
                )
                for server in choice.victims
            },
        )
        self.real.delete([PREEMPTOR])
        self.counts['claims'] += 1

    def compare(self, cloud, forest, pairs):
        """Compare what both propose, and return it."""
        told = compared.by_placement(self.real, cloud, pairs)
        found = compared.by_opie(forest, pairs)
        if told != compared.FAILED:
            self.assertEqual(told, found, (pairs, cloud))
        return told

    def count(self, cloud, pairs, before, found):
        self.counts['requests'] += 1
        if isinstance(found, str):
            self.counts[found] += 1
            return
        kinds = compared.kinds_of(cloud, pairs)
        self.counts.update(kinds)
        if found:
            self.counts['a proposal'] += 1
            self.counts.update(kind + ', and a proposal' for kind in kinds)
            if not before:
                self.counts[
                    'a proposal only without the preemptible servers'
                ] += 1
        self.counts['more than one proposal'] += len(found) > 1
        self.counts['proposals'] += len(found)

    def summary(self):
        return '\n'.join(
            '%7d %s' % (number, kind)
            for kind, number in sorted(self.counts.items())
        )
