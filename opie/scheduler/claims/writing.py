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


"""Writes a claim and finds out whether it was written.

An error does not tell: when a request is repeated on its way, placement
applies the first copy and refuses the second.  So after each error the claim
is read, and written again only where that can help.
"""

from collections.abc import Callable
from collections.abc import Iterable
import typing

from opie.scheduler import errors
from opie.scheduler import waiting
from opie.scheduler.placement import client as placement

# How often a claim is written again when another writer was faster.
_MAX_WRITES = 8


class Refused(errors.ClaimFailed):
    """Placement has no room for a claim, or does not give out such units."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, is_race=True)


class AnswerLost(placement.NoAnswer):
    """Placement may have written a claim, or may still write it."""


def write(
    client: placement.Client,
    bodies: dict[str, dict[str, typing.Any]],
    preemptors: Iterable[str],
    is_written: Callable[[], bool],
) -> None:
    """Write a claim.

    :param bodies: consumer uuid to :meth:`placement.Consumer.body`.
    :param preemptors: uuids of the consumers that the claim creates.
    :param is_written: reads whether the claim is there.
    :raises Refused: if it is not written because of an inventory.
    :raises errors.ClaimFailed: if it is not written, and never will be.
    :raises AnswerLost: if placement does not say whether it has written it.
    :raises placement.PlacementError: if the claim cannot be read.
    """
    for _ in range(_MAX_WRITES):
        try:
            client.replace_allocations(bodies)
            return
        except placement.NoAnswer as exc:
            raise AnswerLost(str(exc)) from exc
        except placement.ErrorResponse as exc:
            last_error = exc
        if is_written():
            return
        if last_error.is_orphan_conflict:
            _know_orphans(bodies[preemptor] for preemptor in preemptors)
        elif last_error.is_provider_conflict:
            waiting.FOR_WRITERS.sleep()
        else:
            break
    raise _failure(last_error)


def _know_orphans(bodies: Iterable[dict[str, typing.Any]]) -> None:
    """Let new consumers be such as have no allocations.

    A server that is moved may have been a consumer before.
    """
    for body in bodies:
        if body['consumer_generation'] is None:
            body['consumer_generation'] = 0


def _failure(error: placement.ErrorResponse) -> errors.ClaimFailed:
    if error.is_inventory_conflict:
        return Refused(str(error))
    return errors.ClaimFailed(str(error), is_race=error.status == 409)
