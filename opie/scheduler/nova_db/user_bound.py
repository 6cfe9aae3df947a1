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


"""Reads which servers leave something behind that only their users can remove.

nova removes the secret of a server's virtual TPM, and the accelerators that
cyborg has bound to it, with the token of the user that deletes the server.  An
eviction has no such token.
"""

from __future__ import annotations

from collections.abc import Collection
import typing

from nova import context as nova_context
from nova.db.main import api as main_db
from nova.db.main import models as main_models
import sqlalchemy as sa

_TPM = 'has a virtual TPM, whose secret only its user can delete'
_ACCELERATOR = 'has accelerators of cyborg, which only its user can free'
# NOTE: nova/virt/hardware.py takes it from flavor or image, and nova/crypto.py
# notes the secret once there is one.
_TPM_METADATA = ('image_hw_tpm_version', 'vtpm_secret_uuid')
_TPM_EXTRA_SPEC = '%"hw:tpm_version"%'
_ACCELERATOR_EXTRA_SPEC = '%"accel:device_profile"%'
# NOTE: nova/network/neutron.py keeps the profiles of ports in its cache, and
# frees what a port's device profile has asked cyborg for by this.
_ACCELERATOR_OF_PORT = '%"arq_uuid"%'


@main_db.pick_context_manager_reader
def on_hosts(
    context: nova_context.RequestContext, hosts: Collection[str]
) -> dict[str, str]:
    """Return uuid to reason, of those servers on some hosts.

    :param context: a context targeted at their cell.
    :param hosts: names of compute services.
    """
    server, extra = main_models.Instance, main_models.InstanceExtra
    metadata = main_models.InstanceSystemMetadata
    cache = main_models.InstanceInfoCache
    has_accelerator = sa.or_(
        extra.flavor.like(_ACCELERATOR_EXTRA_SPEC),
        # Without ports there is no value.
        sa.func.coalesce(cache.network_info, '').like(_ACCELERATOR_OF_PORT),
    )
    query = (
        context.session.query(
            server.uuid, has_accelerator.label('has_accelerator')
        )
        .outerjoin(extra, extra.instance_uuid == server.uuid)
        .outerjoin(cache, cache.instance_uuid == server.uuid)
        .outerjoin(
            metadata,
            sa.and_(
                metadata.instance_uuid == server.uuid,
                metadata.key.in_(_TPM_METADATA),
                metadata.deleted == 0,
            ),
        )
        .filter(
            server.deleted == 0,
            server.host.in_(hosts),
            sa.or_(
                has_accelerator,
                extra.flavor.like(_TPM_EXTRA_SPEC),
                metadata.key.isnot(None),
            ),
        )
    )
    return {row.uuid: _reason(row) for row in query}


def _reason(row: typing.Any) -> str:
    return _ACCELERATOR if row.has_accelerator else _TPM
