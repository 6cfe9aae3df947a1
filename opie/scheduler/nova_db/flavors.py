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

"""Flavors as the operator has them today, which are in the API database.

A server has a copy of the flavor of the day when it got it.  Where both say
that it is preemptible, it is a potential victim.
"""

from __future__ import annotations

from collections.abc import Collection
import typing

from nova import context as nova_context
from nova.db.api import api as api_db
from nova.db.api import models as api_models
import sqlalchemy as sa

from opie.preemption import marks as core_marks
from opie.scheduler.nova_db import marks


def unmarked(
    context: nova_context.RequestContext, flavor_ids: Collection[str]
) -> frozenset[str]:
    """Return those of some flavors that do not mark their servers any more.

    A flavor that was deleted is none of them: what its servers have of it is
    the last word of the operator.

    :param context: a context for the API database.
    """
    return frozenset(
        row.flavorid
        for batch in marks.batches(sorted(flavor_ids))
        for row in _read(context, batch)
        if not core_marks.is_true(row.value)
    )


@api_db.context_manager.reader
def _read(
    context: nova_context.RequestContext, flavor_ids: list[str]
) -> list[typing.Any]:
    flavor, spec = api_models.Flavors, api_models.FlavorExtraSpecs
    return (
        context.session.query(flavor.flavorid, spec.value)
        .outerjoin(
            spec,
            sa.and_(
                spec.flavor_id == flavor.id,
                spec.key == core_marks.FLAVOR_EXTRA_SPEC,
            ),
        )
        .filter(flavor.flavorid.in_(flavor_ids))
        .all()
    )
