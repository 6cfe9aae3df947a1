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

"""Writes allocations of several consumers at once, as placement does.

The rules are those of placement's own source, peculiarities included.  A write
that is refused changes nothing, but for consumers that placement leaves behind
as well.
"""

import dataclasses

from opie.tests.stand_ins.placement import records as placement_records

_NO_INVENTORY = "Inventory for '%s' on resource provider '%s' invalid."
_NO_ALLOCATION = (
    "Unable to create allocation for '%s' on resource provider '%s'. The "
    'requested amount would '
)


def replace(records, bodies):
    """Write the allocations of several consumers, or of none.

    :param records: a :class:`placement_records.Records`.
    :param bodies: consumer uuid to body, as POST /allocations has them.
    :raises placement_records.Refusal: if placement refuses it.
    """
    if not bodies:
        raise placement_records.Refusal(400, 'JSON does not validate')
    created = _ensure_consumers(records, bodies)
    # NOTE: placement/handlers/allocation.py leaves the consumers that it has
    # created behind, if this is refused.
    _check_providers(records, bodies)
    rows = _rows(records, bodies)
    try:
        records.check_classes(row.name for row in rows)
        _check_inventories(rows)
        _check_amounts(records, rows)
    except placement_records.Refusal:
        _forget(records, created)
        raise
    _write(records, bodies, rows)


@dataclasses.dataclass(frozen=True)
class _Row:
    """An amount that is to be written; 0 for one that is to be removed."""

    consumer: placement_records.Consumer
    provider: placement_records.Provider
    name: str
    amount: int

    def refusal(self, text):
        """Return what says that the row cannot be written."""
        return _refusal(text, self.name, self.provider.uuid)


def _refusal(text, names, providers):
    return placement_records.Refusal(
        409, 'Unable to allocate inventory: ' + text % (names, providers)
    )


def _ensure_consumers(records, bodies):
    """Check the generations of consumers, and create those that lack.

    :returns: the uuids of consumers that are new.
    """
    created = []
    for uuid, body in bodies.items():
        known = records.consumers.get(uuid)
        generation = body['consumer_generation']
        if generation != (known.generation if known else None):
            _forget(records, created)
            raise placement_records.Refusal(
                409,
                'consumer generation conflict - expected %s but got %s'
                % (known.generation if known else 'null', generation),
                placement_records.CONCURRENT_UPDATE,
            )
        if known is None:
            created.append(uuid)
            records.consumers[uuid] = placement_records.Consumer(
                uuid, body['project_id'], body['user_id']
            )
    return created


def _forget(records, consumers):
    for uuid in consumers:
        del records.consumers[uuid]


def _check_providers(records, bodies):
    for body in bodies.values():
        for provider in body['allocations']:
            if provider not in records.providers:
                raise placement_records.Refusal(
                    400,
                    "Allocation for resource provider '%s' that does not "
                    'exist.' % provider,
                )


def _rows(records, bodies):
    """Return each amount to be written, in the order of the bodies."""
    rows = []
    for uuid, body in bodies.items():
        consumer = records.consumers[uuid]
        wanted = {
            provider: item['resources']
            for provider, item in body['allocations'].items()
        }
        held = wanted or consumer.allocations
        rows += [
            _Row(
                consumer,
                records.providers[provider],
                name,
                amount if wanted else 0,
            )
            for provider, resources in held.items()
            for name, amount in resources.items()
        ]
    return rows


def _check_inventories(rows):
    """Check that each provider has any of the classes that are written.

    NOTE: placement/objects/allocation.py asks for any class of the whole
    write.
    """
    classes = sorted({row.name for row in rows})
    lacking = sorted(
        {
            row.provider.uuid
            for row in rows
            if not row.provider.inventories.keys() & classes
        }
    )
    if lacking:
        raise _refusal(_NO_INVENTORY, ', '.join(classes), ', '.join(lacking))


def _check_amounts(records, rows):
    """Check amounts as if no consumer of the write held anything.

    NOTE: placement/objects/allocation.py removes what all consumers of the
    write hold, and then checks, row by row.
    """
    writers = {row.consumer.uuid for row in rows}
    wanted = {}
    for row in rows:
        key = row.provider.uuid, row.name
        wanted[key] = wanted.get(key, 0) + row.amount
        if not row.amount:
            continue
        _check_units(row)
        total = records.used(*key, without=writers) + wanted[key]
        is_over = total > row.provider.capacity(row.name)
        is_no_worse = records.is_lenient and total <= records.used(*key)
        if is_over and not is_no_worse:
            raise row.refusal(_NO_ALLOCATION + 'exceed the capacity.')


def _check_units(row):
    inventory = row.provider.inventories.get(row.name)
    if inventory is None:
        raise row.refusal(_NO_INVENTORY)
    if (
        not inventory['min_unit'] <= row.amount <= inventory['max_unit']
        or row.amount % inventory['step_size']
    ):
        raise row.refusal(_NO_ALLOCATION + 'violate inventory constraints.')


def _write(records, bodies, rows):
    """Write what is allowed.

    NOTE: a provider of which a consumer keeps nothing, while it holds
    something elsewhere, is in no row and keeps its generation.
    """
    for row in rows:
        row.consumer.allocations = {}
    for row in rows:
        if row.amount:
            held = row.consumer.allocations
            held.setdefault(row.provider.uuid, {})[row.name] = row.amount
    for uuid in {row.provider.uuid for row in rows}:
        records.providers[uuid].generation += 1
    for uuid in {row.consumer.uuid for row in rows}:
        consumer = records.consumers[uuid]
        consumer.generation += 1
        consumer.project_id = bodies[uuid]['project_id']
        consumer.user_id = bodies[uuid]['user_id']
        if not consumer.allocations:
            del records.consumers[uuid]
