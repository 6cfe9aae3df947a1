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

"""Sums and extremes over a host, kept with it.

They are all that the bound of its cost needs, so that the bounds of a cloud of
many hosts are found without touching their servers.
"""

import collections.abc
import dataclasses
import functools
import itertools
import typing

from opie.preemption import amounts

if typing.TYPE_CHECKING:
    from opie.preemption import model

# Beyond so many, hosts that are alike in all classes may not share a mapping.
_MOST_SHAPES = 4096


class ClassFigures(typing.NamedTuple):
    """The figures of one resource class of a host.

    :ivar free: the capacity that is not in use, or only by leaving servers.
    :ivar most_freed: what no, one, two and more potential victims hold at the
        most, up to all that hold any of it.
    """

    free: float
    most_freed: tuple[int, ...]
    min_unit: int
    max_unit: int
    step_size: int

    @classmethod
    def from_inventory(
        cls,
        inventory: 'model.Inventory',
        held: collections.abc.Iterable[int],
        leaving: int,
    ) -> 'ClassFigures':
        """Return the figures of a class.

        :param held: what the potential victims hold of it.
        :param leaving: what all leaving servers hold of it.
        """
        return cls(
            inventory.free + leaving,
            (0, *itertools.accumulate(sorted(held, reverse=True))),
            inventory.min_unit,
            inventory.max_unit,
            inventory.step_size,
        )


@dataclasses.dataclass(frozen=True)
class Figures:
    """The figures of one host.

    :ivar classes: resource class to its :class:`ClassFigures`; one object for
        hosts that are alike, as most are.
    :ivar launches: the times of launch that are known, ascending.
    :ivar unlaunched: how many potential victims were never launched.
    """

    classes: collections.abc.Mapping[str, ClassFigures]
    launches: tuple[float, ...]
    unlaunched: int
    # The period that phases were asked for last, and the answer.
    _phases: dict[float, tuple[float, ...]] = dataclasses.field(
        default_factory=dict, compare=False, repr=False
    )

    @classmethod
    def from_host(cls, host: 'model.Host') -> 'Figures':
        """Return the figures of a host."""
        held: dict[str, list[int]] = {}
        for server in host.potential_victims:
            for name, amount in server.held.items():
                held.setdefault(name, []).append(amount)
        leaving = amounts.total(server.held for server in host.leaving)
        launches = sorted(
            server.launched_at
            for server in host.potential_victims
            if server.launched_at is not None
        )
        return cls(
            _shared_classes(
                tuple(
                    (
                        name,
                        ClassFigures.from_inventory(
                            inventory,
                            held.get(name, ()),
                            leaving.get(name, 0),
                        ),
                    )
                    for name, inventory in sorted(host.inventories.items())
                )
            ),
            tuple(launches),
            len(host.potential_victims) - len(launches),
        )

    def phases(self, period_seconds: float) -> tuple[float, ...]:
        """Return how far into a period each launch was, ascending.

        Periods are counted from the epoch, so it is the same at any time.
        """
        phases = self._phases.get(period_seconds)
        if phases is None:
            phases = tuple(
                sorted(launch % period_seconds for launch in self.launches)
            )
            self._phases.clear()
            self._phases[period_seconds] = phases
        return phases

    def free(self, name: str) -> float:
        """Return the capacity of a class that is free once all have left.

        It is below zero on a host over its capacity.
        """
        return self.classes[name].free


@functools.lru_cache(_MOST_SHAPES)
def _shared_classes(
    items: tuple[tuple[str, ClassFigures], ...],
) -> dict[str, ClassFigures]:
    return dict(items)
