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
"""Makes the cloud what it was before a burst, and checks that it is.

Nothing here is measured.
"""

from nova import context as nova_context
from nova import objects
from nova.scheduler.client import report
import sqlalchemy as sa

from opie.scheduler.claims import journal
from opie.scheduler.placement import client as placement
from opie.tests.bench import room


class NotAsBefore(Exception):
    """A burst has left something that it must not leave."""


def restore(people, its_computes):
    """Boot servers in the place of those that were deleted.

    The requests that they were deleted for must have been forgotten.

    :param people: a :class:`population.Population`.
    :param its_computes: a :class:`computes.Computes`.
    :returns: how many servers were deleted.
    :raises NotAsBefore: if the hosts are not full then.
    """
    its_computes.finish()
    with people.fast_commits():
        number = refill(people, its_computes)
        _close_journal()
    _check_full(people.databases['placement'])
    room.let_schedulers_forget(people.databases)
    return number


def refill(people, its_computes):
    """Boot servers like those that were deleted, in their place.

    :returns: how many servers were deleted.
    """
    deleted, its_computes.deleted[:] = list(its_computes.deleted), []
    admin = nova_context.get_admin_context()
    with nova_context.target_cell(admin, people.cell) as context:
        context.read_deleted = 'yes'
        for uuid in deleted:
            server = objects.Instance.get_by_uuid(context, uuid)
            its_computes.tell_of(people.replace(server))
    return len(deleted)


def _close_journal():
    """Delete the journal of preemptions whose preemptors are forgotten.

    A reaper would do it too, some minutes later.
    """
    client = placement.Client(report.report_client_singleton())
    for preemption in journal.in_flight(client):
        provider = preemption.journal_provider
        if journal.close_provider(client, provider) is None:
            raise NotAsBefore(
                'The journal of %s cannot be closed.' % preemption.preemptor
            )


def _check_full(engine):
    """Check that servers hold just what there is."""
    with engine.connect() as connection:
        wrong = connection.execute(
            sa.text(
                'SELECT p.name, i.resource_class_id, i.total, '
                'SUM(COALESCE(a.used, 0)) AS held FROM inventories AS i '
                'JOIN resource_providers AS p '
                'ON p.id = i.resource_provider_id '
                'LEFT JOIN allocations AS a ON '
                'a.resource_provider_id = i.resource_provider_id '
                'AND a.resource_class_id = i.resource_class_id '
                'GROUP BY p.name, i.resource_class_id, i.total '
                'HAVING held != i.total'
            )
        ).all()
    if wrong:
        raise NotAsBefore(
            'Servers hold less or more than there is: '
            + ', '.join(
                '%s has %d of class %d, and %d are held'
                % (name, total, resource_class, held)
                for name, resource_class, total, held in wrong[:5]
            )
        )
