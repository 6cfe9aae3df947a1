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


"""Random needs and items to cover them, the same for the same seed.

Each function returns what ``least_cover`` takes.  Keys have some bits of
chance at their end, so that hardly any two covers cost the same.
"""

# vCPU, GiB of memory and GB of disk.
_FLAVORS = (
    (1, 2, 10),
    (2, 4, 20),
    (2, 8, 40),
    (4, 8, 40),
    (4, 16, 80),
    (8, 16, 80),
    (8, 32, 160),
    (16, 64, 160),
)
_COUNT_MILLIONTHS = 1000 * 10**6
_CHANCE_BITS = 16
_YOUNG = 1 << 50


def servers(random, most_items, most_rows=6, is_equal=False):
    """Return servers of a few flavors and the needs of some of them."""
    size, rows = _sizes(random, most_items, most_rows)
    further = [
        [random.choice((0, 0, 1, 2)) for _ in range(rows)] for _ in _FLAVORS
    ]
    holds = []
    for _ in range(size):
        flavor = random.randrange(len(_FLAVORS))
        holds.append((*_FLAVORS[flavor], *further[flavor])[:rows])
    wanted = random.choices(holds, k=random.randint(1, size // 3))
    costs = [
        _COUNT_MILLIONTHS + (0 if is_equal else random.randrange(10**9))
        for _ in holds
    ]
    return _problem(random, costs, holds, _needs(random, holds, wanted))


def uniform(random, most_items, most_rows=6, least_part=0.02, most_part=0.5):
    """Return items that hold and cost anything; part of all is needed."""
    size, rows = _sizes(random, most_items, most_rows)
    holds = _anything(random, size, rows)
    costs = [random.randrange(1, 2 * 10**9) for _ in holds]
    part = random.uniform(least_part, most_part)
    return _problem(random, costs, holds, _part_of(holds, part))


def tight(random, most_items):
    """Return items most of which are needed."""
    return uniform(random, most_items, least_part=0.7, most_part=0.99)


def correlated(random, most_items, most_rows):
    """Return items that cost what they hold, more or less."""
    size, rows = _sizes(random, most_items, most_rows)
    holds = _anything(random, size, rows)
    costs = [sum(hold) + random.randrange(100) for hold in holds]
    part = random.uniform(0.02, 0.5)
    return _problem(random, costs, holds, _part_of(holds, part))


def short_of_one(random, most_items):
    """Return items of which one row is short; others need little or none."""
    keys, holds, needs = uniform(random, most_items)
    short = random.randrange(len(needs))
    return (
        keys,
        holds,
        tuple(
            need if row == short else random.randint(1, 60)
            for row, need in enumerate(needs)
        ),
    )


def ruled(random, most_items):
    """Return servers of which filters want some, or a number, to go.

    For some of them what they cost is nothing.
    """
    keys, holds, needs = servers(random, most_items)
    size = len(keys)
    for _ in range(random.randint(1, 8)):
        if random.random() < 0.2:
            some, need = range(size), random.randint(2, max(2, size // 3))
        else:
            some = random.sample(range(size), random.randint(1, 6))
            need = 1
        holds = [(*hold, int(item in some)) for item, hold in enumerate(holds)]
        needs = (*needs, need)
    free = random.choice((0.0, 0.3))
    keys = [0 if random.random() < free else key for key in keys]
    return keys, holds, needs


def _sizes(random, most_items, most_rows):
    return random.randint(15, most_items), random.randint(3, most_rows)


def _anything(random, size, rows):
    return [
        tuple(random.randint(0, 100) for _ in range(rows)) for _ in range(size)
    ]


def _part_of(holds, part):
    return tuple(
        max(1, int(sum(row) * part)) for row in zip(*holds, strict=True)
    )


def _needs(random, holds, wanted):
    """Return what some servers hold, of some rows only the half of it."""
    return tuple(
        min(sum(row), max(1, sum(part) // random.choice((1, 1, 2))))
        for row, part in zip(
            zip(*holds, strict=True), zip(*wanted, strict=True), strict=True
        )
    )


def _problem(random, costs, holds, needs):
    """Make keys of costs; of some hosts some servers are young."""
    young = random.choice((0.0, 0.0, 0.3))
    keys = [
        (_YOUNG if random.random() < young else 0)
        + (cost << _CHANCE_BITS)
        + random.randrange(1 << _CHANCE_BITS)
        for cost in costs
    ]
    # A row that no item holds enough of is left out.
    rows = [
        number
        for number, row in enumerate(zip(*holds, strict=True))
        if sum(row) >= needs[number]
    ]
    holds = [tuple(hold[row] for row in rows) for hold in holds]
    return keys, holds, tuple(needs[row] for row in rows)
