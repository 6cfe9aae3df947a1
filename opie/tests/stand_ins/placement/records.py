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

"""The records of an in-memory placement: providers and consumers.

The rules are those of placement's own source.  A change that is refused raises
:class:`Refusal`, and the records are as before.
"""

import dataclasses

import os_resource_classes

CONCURRENT_UPDATE = 'placement.concurrent_update'
DUPLICATE_NAME = 'placement.duplicate_name'
IN_USE = 'placement.resource_provider.inuse'
INVENTORY_IN_USE = 'placement.inventory.inuse'
IS_PARENT = 'placement.resource_provider.cannot_delete_parent'
UNDEFINED = 'placement.undefined_code'

_MAX_NAME_LENGTH = 200
_MAX_INT = 0x7FFFFFFF
_INVENTORY_DEFAULTS = {
    'reserved': 0,
    'min_unit': 1,
    'max_unit': _MAX_INT,
    'step_size': 1,
    'allocation_ratio': 1.0,
}


class Refusal(Exception):
    """An answer other than success: HTTP status, error code, text."""

    def __init__(self, status, detail, code=UNDEFINED):
        super().__init__(detail)
        self.status = status
        self.code = code


@dataclasses.dataclass
class Provider:
    """A resource provider.

    :ivar root: the uuid of its tree's root, which may be its own.
    :ivar inventories: resource class to inventory, with all its fields.
    """

    uuid: str
    name: str
    parent: str | None
    root: str
    generation: int = 0
    inventories: dict = dataclasses.field(default_factory=dict)
    traits: frozenset = frozenset()
    aggregates: frozenset = frozenset()

    def capacity(self, name):
        inventory = self.inventories[name]
        free = inventory['total'] - inventory['reserved']
        return free * inventory['allocation_ratio']


@dataclasses.dataclass
class Consumer:
    """A consumer.

    :ivar allocations: provider uuid to resource class to amount.
    """

    uuid: str
    project_id: str
    user_id: str
    generation: int = 0
    allocations: dict = dataclasses.field(default_factory=dict)


class Records:
    """Providers, consumers and resource classes.

    :param is_lenient: whether a provider that is over its capacity accepts
        what makes it no worse, as placement does from release 14 on.
    """

    def __init__(self, is_lenient=True):
        self.is_lenient = is_lenient
        self.providers = {}
        self.consumers = {}
        self.resource_classes = set(os_resource_classes.STANDARDS)

    def provider(self, uuid):
        if uuid not in self.providers:
            raise Refusal(
                404, 'No resource provider with uuid %s found' % uuid
            )
        return self.providers[uuid]

    def used(self, provider, name, without=()):
        """Return what consumers hold of a resource class, but for some."""
        return sum(
            consumer.allocations.get(provider, {}).get(name, 0)
            for uuid, consumer in self.consumers.items()
            if uuid not in without
        )

    def consumers_of(self, provider):
        """Return consumer uuid to what it holds on a provider."""
        return {
            uuid: consumer.allocations[provider]
            for uuid, consumer in self.consumers.items()
            if provider in consumer.allocations
        }

    def create_provider(self, uuid, name, parent=None):
        if len(name) > _MAX_NAME_LENGTH:
            raise Refusal(400, 'JSON does not validate')
        if parent is not None and parent not in self.providers:
            raise Refusal(400, 'parent provider UUID does not exist.')
        taken = [one.name for one in self.providers.values()]
        if uuid in self.providers or name in taken:
            which = 'uuid: ' + uuid if uuid in self.providers else ''
            which = which or 'name: ' + name
            raise Refusal(
                409,
                'Conflicting resource provider %s already exists.' % which,
                DUPLICATE_NAME,
            )
        root = self.providers[parent].root if parent else uuid
        self.providers[uuid] = Provider(uuid, name, parent, root)
        return self.providers[uuid]

    def delete_provider(self, uuid):
        self.provider(uuid)
        if any(one.parent == uuid for one in self.providers.values()):
            raise Refusal(
                409,
                'Unable to delete parent resource provider %s: '
                'It has child resource providers.' % uuid,
                IS_PARENT,
            )
        if self.consumers_of(uuid):
            raise Refusal(
                409,
                'Unable to delete resource provider %s: Resource provider '
                'has allocations.' % uuid,
                IN_USE,
            )
        del self.providers[uuid]

    def check_generation(self, provider, generation):
        if generation != provider.generation:
            raise Refusal(
                409, 'resource provider generation conflict', CONCURRENT_UPDATE
            )

    def set_inventories(self, provider, wanted):
        """Replace the inventories of a provider, unless they are in use."""
        wanted = {
            name: {**_INVENTORY_DEFAULTS, **inventory}
            for name, inventory in wanted.items()
        }
        for name, inventory in wanted.items():
            if inventory['total'] < 1:
                raise Refusal(400, 'JSON does not validate')
            if inventory['reserved'] > inventory['total']:
                raise Refusal(400, 'Unable to update inventory: %s' % name)
        self.check_classes(wanted)
        gone = provider.inventories.keys() - wanted.keys()
        in_use = [name for name in gone if self.used(provider.uuid, name)]
        if in_use:
            raise Refusal(
                409,
                "update conflict: Inventory for '%s' on resource provider "
                "'%s' in use." % (', '.join(in_use), provider.uuid),
                INVENTORY_IN_USE,
            )
        provider.inventories = wanted
        provider.generation += 1

    def check_classes(self, names):
        for name in names:
            if name not in self.resource_classes:
                raise Refusal(400, 'No such resource class %s.' % name)

    def delete_allocations(self, consumer):
        """Delete what a consumer holds; no generation changes."""
        if not self._held_by(consumer):
            raise Refusal(404, "No allocations for consumer '%s'" % consumer)
        del self.consumers[consumer]

    def _held_by(self, consumer):
        known = self.consumers.get(consumer)
        return known.allocations if known else {}
