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

"""The preemptors of a claim, as they are before it."""

from collections.abc import Mapping

from opie.scheduler import errors
from opie.scheduler import resources
from opie.scheduler import steps
from opie.scheduler.nova_db import moves
from opie.scheduler.placement import client as placement


def new(
    preemptors: Mapping[str, resources.Allocations], requester: tuple[str, str]
) -> dict[str, placement.Consumer]:
    """Return uuid to consumer, of preemptors that hold nothing yet.

    :param preemptors: uuid to what is to be claimed for it.
    :param requester: (project id, user id) of the preemptors.
    """
    return {
        uuid: placement.Consumer(uuid, {}, *requester) for uuid in preemptors
    }


# It runs beside the opening, so a crash in it leaves the same.
@steps.step('opens the journal')
def read_moved(
    client: placement.Client,
    preemptors: Mapping[str, resources.Allocations],
    move: moves.Move,
) -> dict[str, placement.Consumer]:
    """Return uuid to consumer, of those that hold anything while they move.

    :raises errors.ClaimFailed: if one does not hold what nova lets it hold
        while the scheduler is asked.
    """
    found = {}
    for uuid, claimed in preemptors.items():
        consumer = client.consumer(uuid)
        held = consumer.allocations
        is_as_moved = move.is_evacuation or not held
        if not is_as_moved or held.keys() & claimed.keys():
            raise errors.ClaimFailed('%s holds %s already' % (uuid, held))
        if held:
            found[uuid] = consumer
    return found
