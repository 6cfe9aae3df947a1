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

"""What to write so that claims are dropped, and nothing else.

A boot's preemptor holds its claim alone.  A server that is moved may hold its
old place as well, or, once nova has ended the move, nothing but a place that
is its own.
"""

from __future__ import annotations

from collections.abc import Iterable
import dataclasses
import typing

from opie.scheduler import resources
from opie.scheduler.nova_db import moves
from opie.scheduler.placement import client as placement


@dataclasses.dataclass(frozen=True)
class Dropped:
    """A claim that is to be dropped.

    :ivar preemptor: uuid of the server that it was made for.
    :ivar provider: of the nominated host.
    :ivar move: what the preemptor needs the room for; None for a boot.
    """

    preemptor: str
    provider: str
    move: moves.Move | None = None


def bodies(
    client: placement.Client, dropped: Iterable[Dropped]
) -> dict[str, dict[str, typing.Any]]:
    """Return what drops claims, of those that are still there."""
    written = {}
    for one in dropped:
        consumer = client.consumer(one.preemptor)
        left = _left(client, one, consumer.allocations)
        if left != consumer.allocations:
            written[consumer.uuid] = consumer.body(left)
    return written


def _left(
    client: placement.Client, one: Dropped, held: resources.Allocations
) -> resources.Allocations:
    """Return what a preemptor holds without its claim.

    NOTE: nova/conductor/tasks/migrate.py hands what a migration holds over to
    the server when it gives a move up, and nova/compute/manager.py removes it
    when the move is over.  So a claim is there as long as the migration holds
    anything.  It was read after the server, whose generation is written: what
    nova does in between is not overwritten.
    """
    move = one.move
    if move is None:
        return {}
    if one.provider not in held:
        return held
    if move.is_held_by_migration:
        assert move.migration
        if not client.consumer(move.migration).allocations:
            return held
    tree = {one.provider}
    if len(held) > 1:
        # The claim may have taken of other providers of the host as well.
        listed = client.providers([('in_tree', one.provider)])
        tree.update(provider['uuid'] for provider in listed)
    return {
        provider: amounts
        for provider, amounts in held.items()
        if provider not in tree
    }
