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

"""The least that a host could cost, from its figures alone.

A bound is never more than the true cost.  Hosts are visited in its order, so
those whose bound is more than the best plan are never refined.
"""

import bisect
import collections.abc

from opie.preemption import amounts
from opie.preemption import figures
from opie.preemption import model
from opie.preemption import ranks
from opie.preemption import shortfall

_NO_VICTIM = 'no server on it may be evicted'

# Of these nova's figures tell what a root has, before it is read.
_OF_ROOTS = ('VCPU', 'MEMORY_MB', 'DISK_GB')

_LeastRank = collections.abc.Callable[[model.Host], int | model.Unfit]


def make_least_rank(
    demand: amounts.Demand, is_spread: bool = False
) -> _LeastRank:
    """Return a function of a host that its rank is not below.

    It is called for every host of a cloud.  So it does not touch their
    servers, and what is the same for all hosts is done here.

    :param is_spread: whether the request is spread over trees.
    """
    make = _make_for_trees if is_spread else _make_for_roots
    return make(demand)


def _make_for_roots(demand: amounts.Demand) -> _LeastRank:
    each_and_all = [
        (name, amount, demand.total[name])
        for name, amount in demand.resources.items()
    ]
    most_victims = demand.most_victims
    its_cost = demand.its_cost
    floor = its_cost.make_floor()
    failed_builds_shift = ranks.FAILED_BUILDS_SHIFT
    millionths_shift = ranks.MILLIONTHS_SHIFT
    count_shift = ranks.COUNT_SHIFT
    # How many victims hosts that are alike need is found once.
    numbers_of_read: dict[int, int | None] = {}
    numbers_of_unknown: dict[int, int | None] = {}
    unfit: dict[tuple[int, str | None, bool], model.Unfit] = {}

    def why_unfit(host: model.Host, key: int) -> model.Unfit:
        alike = key, host.why_protected, host.has_excluded
        if alike not in unfit:
            unfit[alike] = _why_unfit(host, demand)
        return unfit[alike]

    def least_rank(host: model.Host) -> int | model.Unfit:
        its_figures = host.figures
        numbers = numbers_of_unknown if host.is_unknown else numbers_of_read
        key = id(its_figures.classes)
        if key in numbers:
            number = numbers[key]
        else:
            number = numbers[key] = _least_number(
                its_figures.classes, each_and_all, host.is_unknown
            )
        if not number:
            return 0 if number == 0 else why_unfit(host, key)
        if most_victims is not None and number > most_victims:
            return model.Unfit.by_limit(most_victims)
        # As ranks.fold does, without a call.
        rank = (floor(its_figures, number) << millionths_shift) + (
            number << count_shift
        )
        if host.failed_builds:
            rank += its_cost.failed_builds(host) << failed_builds_shift
        return rank

    return least_rank


def _make_for_trees(demand: amounts.Demand) -> _LeastRank:
    """Make it for a request that is spread over trees.

    What servers hold below the root is not known before the tree is read.  So
    the least is what the root lacks and what the host tells itself, or none
    where servers leave or there may be room.
    """
    floor = demand.its_cost.make_floor()
    each_and_all = [
        (name, demand.resources[name], demand.total[name])
        for name in _OF_ROOTS
        if name in demand.resources
    ]
    numbers: dict[int, int] = {}

    def least_number(host: model.Host) -> int:
        classes = host.figures.classes
        key = id(classes)
        if key not in numbers:
            # A root that seems too small is read all the same.
            numbers[key] = _least_number(classes, each_and_all, True) or 1
        return max(numbers[key], host.least_victims)

    def least_rank(host: model.Host) -> int | model.Unfit:
        if host.takings is not None or host.leaving or host.is_worth_reading:
            return 0
        if not host.potential_victims:
            return model.Unfit(host.why_protected or _NO_VICTIM)
        number = least_number(host)
        most = demand.most_victims
        if most is not None and number > most:
            return model.Unfit.by_limit(most)
        rank = (floor(host.figures, number) << ranks.MILLIONTHS_SHIFT) + (
            number << ranks.COUNT_SHIFT
        )
        builds = demand.its_cost.failed_builds(host)
        return rank + (builds << ranks.FAILED_BUILDS_SHIFT)

    return least_rank


def _least_number(
    classes: collections.abc.Mapping[str, figures.ClassFigures],
    each_and_all: list[tuple[str, int, int]],
    is_unknown: bool,
) -> int | None:
    """Return how many victims a host needs at the least, None if too many.

    :param each_and_all: (resource class, what each preemptor takes, and all).
    :param is_unknown: whether the host may have other classes as well.
    """
    number = 0
    for name, amount, total in each_and_all:
        if name not in classes:
            if is_unknown:
                continue
            return None
        its_figures = classes[name]
        least = bisect.bisect_left(
            its_figures.most_freed, total - its_figures.free
        )
        if (
            not its_figures.min_unit <= amount <= its_figures.max_unit
            or amount % its_figures.step_size
            or least == len(its_figures.most_freed)
        ):
            return None
        number = max(number, least)
    return number


def _why_unfit(host: model.Host, demand: amounts.Demand) -> model.Unfit:
    lacking = shortfall.Shortfall(host, demand)
    return model.Unfit(lacking.why_unfit() or lacking.why_too_small() or '')
