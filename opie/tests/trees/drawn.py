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

"""Clouds, and requests for them, by a generator of random numbers.

Names are few, so that what a request asks for is there often, and rarely in
one place only.  A request is drawn about what one tree has, and a part of it
is then changed, so that many requests with many conditions can be served.
"""

import random as random_numbers

from opie.preemption import model
from opie.preemption.trees import providers
from opie.tests.trees import clouds

CLASSES = ('VCPU', 'MEMORY_MB', 'DISK_GB', 'VGPU')
TRAITS = ('HW_CPU_X86_AVX', 'HW_CPU_X86_AVX2', 'STORAGE_DISK_SSD')
AGGREGATES = tuple('a0000000-0000-0000-0000-%012d' % n for n in range(3))
SUFFIXES = ('1', '2', '_PORT-a')
# Trees, by the place of each provider's parent.
_SHAPES = (
    (None,),
    (None, 0),
    (None, 0, 0),
    (None, 0, 0, 0),
    (None, 0, 1),
    (None, 0, 0, 1, 2),
)


class Drawer:
    """Draws what a test needs.

    :ivar random: where all that is drawn comes from.
    """

    def __init__(self, random: random_numbers.Random) -> None:
        self.random = random

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def some(self, values, most: int, least: int = 0) -> list:
        """Draw some of the values, in any order."""
        number = self.random.randint(least, most)
        return self.random.sample(sorted(values), min(number, len(values)))

    def cloud(self) -> clouds.Cloud:
        """Draw trees, sharing providers, and servers on them."""
        some = [
            provider
            for number in range(self.random.randint(1, 3))
            for provider in self._tree(number)
        ]
        some += [
            self._sharing(number)
            for number in range(self.random.choice((0, 0, 0, 1, 1, 2)))
        ]
        places = [
            (provider.uuid, name)
            for provider in some
            for name in provider.inventories
        ]
        servers = {
            'c0000000-0000-0000-0000-%012d' % number: self._held(places)
            for number in range(self.random.randint(0, 6) if places else 0)
        }
        preemptible = [uuid for uuid in servers if self.chance(60)]
        return clouds.Cloud(tuple(some), servers, frozenset(preemptible))

    def _tree(self, number):
        shape = self.random.choice(_SHAPES)
        uuids = [
            '%08d-0000-0000-0000-%012d' % (number, place)
            for place in range(len(shape))
        ]
        for uuid, parent in zip(uuids, shape, strict=True):
            classes = self.some(CLASSES, 2 if uuid != uuids[0] else 4)
            # Below a root one that shares is rare.
            shares = [providers.SHARING] if self.chance(1) else []
            yield providers.Provider(
                uuid,
                self._inventories(classes),
                None if parent is None else uuids[parent],
                frozenset(self.some(TRAITS, 2) + shares),
                frozenset(self.some(AGGREGATES, 2)),
            )

    def _sharing(self, number):
        return providers.Provider(
            '%08d-5555-0000-0000-%012d' % (number, 0),
            self._inventories(self.some(CLASSES[1:], 2, 1)),
            None,
            frozenset([*self.some(TRAITS, 2), providers.SHARING]),
            frozenset(self.some(AGGREGATES, 3, 1)),
        )

    def _inventories(self, classes):
        """Draw inventories, most of them without peculiarity."""
        drawn = {}
        for name in classes:
            total = self.random.randint(2, 8)
            drawn[name] = model.Inventory(total)
            if self.chance(20):
                drawn[name] = model.Inventory(
                    total,
                    self.random.randint(0, total),
                    self.random.choice((0.5, 1.0, 1.5, 4.0)),
                    self.random.choice((1, 1, 2)),
                    self.random.choice((1, 2, 3, 100)),
                    self.random.choice((1, 1, 2)),
                )
        return drawn

    def _held(self, places):
        held = {}
        for uuid, name in self.some(places, 3, 1):
            held.setdefault(uuid, {})[name] = self.random.randint(1, 3)
        return held

    def request(self, cloud: clouds.Cloud) -> list[tuple[str, str]]:
        """Draw the pairs of a query."""
        roots = [one for one in cloud.providers if not one.parent]
        root = self.random.choice(roots)
        forest = cloud.forest()
        tree = [
            one
            for one in forest.providers.values()
            if root.uuid in forest.anchors(one)
        ]
        number = self.random.choice((0, 0, 1, 1, 2, 2, 3))
        suffixes = SUFFIXES[:number]
        pairs, without = [], set()
        if not number or self.chance(70):
            pairs += self._group(tree, '', True)
        for suffix in suffixes:
            has_resources = not self.chance(12) or not pairs
            if not has_resources:
                without.add(suffix)
            pairs += self._group(tree, suffix, has_resources)
        if without or (number > 1 and self.chance(25)):
            others = without.union(self.some(suffixes, 2, 1))
            pairs.append(('same_subtree', ','.join(sorted(others))))
        if number > 1 or self.chance(10):
            policy = self.random.choice(('none', 'none', 'isolate'))
            pairs.append(('group_policy', policy))
        if self.chance(12):
            pairs.append(('root_required', self._traits([root])))
        self.random.shuffle(pairs)
        return pairs

    def _group(self, tree, suffix, has_resources):
        """Draw the pairs of one group, which some providers could serve."""
        serving = [self.random.choice(tree)]
        if not suffix:
            serving += self.some_providers(tree)
        pairs = []
        if has_resources:
            pairs.append(('resources' + suffix, self._resources(serving)))
        if not has_resources or self.chance(30):
            pairs.append(('required' + suffix, self._traits(serving)))
        if self.chance(15):
            names = {*self.some(TRAITS, 2, 1)}
            names.update(self._trait_there(serving))
            value = 'in:' + ','.join(sorted(names))
            pairs.append(('required' + suffix, value))
        for _ in range(self.random.choice((0, 0, 0, 0, 0, 1, 1, 2))):
            pairs.append(('member_of' + suffix, self._aggregates(serving)))
        if self.chance(8):
            uuid = self.random.choice(tree).uuid
            pairs.append(('in_tree' + suffix, uuid))
        return pairs

    def some_providers(self, tree):
        return self.random.sample(tree, min(2, len(tree)))

    def _resources(self, serving):
        there = {name for one in serving for name in one.inventories}
        if not there or self.chance(8):
            there = CLASSES
        amounts = (1, 1, 1, 1, 2, 2, 3)
        return ','.join(
            '%s:%d' % (name, self.random.choice(amounts))
            for name in self.some(there, 3 if len(serving) > 1 else 2, 1)
        )

    def _trait_there(self, serving):
        there = {
            name for one in serving for name in one.traits if name in TRAITS
        }
        return self.some(there, 1, 1)

    def _traits(self, serving):
        """Draw a list of traits; what is there is rarely forbidden."""
        there = {name for one in serving for name in one.traits}
        return ','.join(
            ('' if (name in there) != self.chance(10) else '!') + name
            for name in self.some(TRAITS, 2, 1)
        )

    def _aggregates(self, serving):
        there = {uuid for one in serving for uuid in one.aggregates}
        if there and self.chance(75):
            uuids = {*self.some(there, 1, 1), *self.some(AGGREGATES, 1)}
            prefix = ''
        else:
            uuids = set(self.some(AGGREGATES, 2, 1))
            prefix = '!' if self.chance(70) else ''
        if len(uuids) > 1 or self.chance(30):
            prefix += 'in:'
        return prefix + ','.join(sorted(uuids))
