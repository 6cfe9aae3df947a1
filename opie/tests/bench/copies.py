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

"""Copies of a host's records, its servers' included, with new names and ids.

A template is everything that three databases have of one host that nova's own
code has made.  Copies differ in uuids, the host's name, ids that are referred
to, and in when servers were launched.
"""

import dataclasses

from nova.db.api import models as api_models
from nova.db.main import models as main_models
from oslo_utils import uuidutils
from placement.db.sqlalchemy import models as placement_models
import sqlalchemy as sa

from opie.tests.bench import layout

# The tables that have rows of a running server.
_OF_SERVERS = (
    ('cell', main_models.Instance, 'uuid'),
    ('cell', main_models.InstanceIdMapping, 'uuid'),
    ('cell', main_models.InstanceExtra, 'instance_uuid'),
    ('cell', main_models.InstanceInfoCache, 'instance_uuid'),
    ('cell', main_models.InstanceSystemMetadata, 'instance_uuid'),
    ('api', api_models.InstanceMapping, 'instance_uuid'),
    ('api', api_models.RequestSpec, 'instance_uuid'),
    ('placement', placement_models.Consumer, 'uuid'),
)
_OF_HOSTS = (
    ('cell', main_models.Service, 'host'),
    ('cell', main_models.ComputeNode, 'host'),
    ('api', api_models.HostMapping, 'host'),
)
_OF_PROVIDERS = (
    ('placement', placement_models.ResourceProvider, 'id'),
    ('placement', placement_models.Inventory, 'resource_provider_id'),
    (
        'placement',
        placement_models.ResourceProviderTrait,
        'resource_provider_id',
    ),
    ('placement', placement_models.Allocation, 'resource_provider_id'),
)
# (database, table) in an order in which rows can be inserted.
TABLES = tuple(
    (database, model.__table__)
    for database, model, _ in _OF_HOSTS + _OF_SERVERS + _OF_PROVIDERS
)
# Columns that hold an id of another row, by what it is the id of.
_IDS = {
    'service_id': 'service',
    'compute_id': 'compute',
    'resource_provider_id': 'provider',
    'root_provider_id': 'provider',
}
# Tables whose ids are referred to.
_ID_OF = {
    'services': 'service',
    'compute_nodes': 'compute',
    'resource_providers': 'provider',
}


@dataclasses.dataclass
class Template:
    """A host's records.

    :ivar host: its name.
    :ivar provider: uuid of its compute node, which is its provider's.
    :ivar servers: uuids of its servers, in order of creation.
    :ivar rows: (database, table) to a list of rows, as dicts.
    """

    host: str
    provider: str
    servers: list
    rows: dict


def read(databases, host):
    """Return the :class:`Template` of a host.

    :param databases: name of a database to its engine.
    """
    rows = {}

    def add(entries, values):
        for database, model, column in entries:
            table = model.__table__
            query = table.select().where(table.c[column].in_(values))
            with databases[database].connect() as connection:
                rows[database, table] = [
                    dict(row)
                    for row in connection.execute(
                        query.order_by(*table.primary_key.columns)
                    ).mappings()
                ]

    add(_OF_HOSTS, [host])
    (node,) = rows['cell', main_models.ComputeNode.__table__]
    with databases['cell'].connect() as connection:
        table = main_models.Instance.__table__
        query = sa.select(table.c.uuid).where(
            table.c.host == host, table.c.deleted == 0
        )
        servers = list(connection.scalars(query.order_by(table.c.id)))
    add(_OF_SERVERS, servers)
    provider = placement_models.ResourceProvider.__table__
    with databases['placement'].connect() as connection:
        (provider_id,) = connection.scalars(
            sa.select(provider.c.id).where(provider.c.uuid == node['uuid'])
        )
    add(_OF_PROVIDERS, [provider_id])
    return Template(host, node['uuid'], servers, rows)


def copy(template, number, ids, now):
    """Return (name, provider, uuids of servers, rows) of a copy.

    :param number: of the host that the copy is to be.
    :param ids: 'service', 'compute' and 'provider' to the ids to give.
    :param now: a naive datetime in UTC.
    """
    servers = [uuidutils.generate_uuid() for _ in template.servers]
    names = {
        template.host: layout.host_name(number),
        template.provider: uuidutils.generate_uuid(),
        **dict(zip(template.servers, servers, strict=True)),
    }
    launched = dict(zip(servers, layout.launched_at(number, now), strict=True))
    rows = {}
    for (database, table), originals in template.rows.items():
        rows[database, table] = copies = [
            _copy_row(table, row, names, ids) for row in originals
        ]
        if table is main_models.Instance.__table__:
            for row in copies:
                row['launched_at'] = launched[row['uuid']]
    return names[template.host], names[template.provider], servers, rows


def _copy_row(table, row, names, ids):
    copied = {}
    for name, value in row.items():
        if name in _IDS:
            value = ids[_IDS[name]]
        elif name == 'id':
            if table.name not in _ID_OF:
                continue
            value = ids[_ID_OF[table.name]]
        elif name == 'uuid' and value not in names:
            value = uuidutils.generate_uuid()
        elif isinstance(value, str):
            value = _rename(value, names)
        copied[name] = value
    return copied


def _rename(text, names):
    if text in names:
        return names[text]
    for old, new in names.items():
        if old in text:
            text = text.replace(old, new)
    return text
