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

"""Writes the claims of several requests in one transaction.

The requests are those that were planned in one turn of a worker.  Each has its
own journal, so that each can be given back, or repaired, by itself.
"""

from collections.abc import Sequence
import typing

from opie.scheduler import errors
from opie.scheduler import steps
from opie.scheduler.claims import claim
from opie.scheduler.claims import refusals
from opie.scheduler.claims import writing
from opie.scheduler.placement import client as placement

_Bodies = dict[str, dict[str, typing.Any]]


@steps.step('claims')
def write(claims: Sequence[claim.Claim]) -> dict[claim.Claim, Exception]:
    """Write claims that are prepared, in one transaction if that can be.

    If placement refuses them together, each half is written by itself, and so
    on, so that a claim for which another writer was faster keeps no other
    claim from being made.

    :returns: claim to error, of those claims that were not made, or may not
        have been.  After errors.ClaimFailed, a claim was not made and never
        will be.  After any other error it has to be given back.
    """
    bodies, failed = _bodies(claims)
    claims = [one for one in claims if one not in failed]
    return {**failed, **_write(claims, bodies)} if claims else failed


def _bodies(
    claims: Sequence[claim.Claim],
) -> tuple[_Bodies, dict[claim.Claim, Exception]]:
    """Return (what writes claims, claim to error of those that cannot be).

    A later claim may take of what an earlier one leaves to a victim.
    """
    bodies: _Bodies = {}
    left: dict[str, placement.Consumer] = {}
    failed: dict[claim.Claim, Exception] = {}
    for one in claims:
        try:
            bodies |= one.bodies(left)
        except errors.ClaimFailed as exc:
            one.close_journal(one.preemptors)
            failed[one] = exc
        else:
            left |= one.left
    return bodies, failed


def _write(
    claims: Sequence[claim.Claim], bodies: _Bodies
) -> dict[claim.Claim, Exception]:
    first = claims[0]
    preemptors = set().union(*(one.preemptors for one in claims))
    try:
        writing.write(first.client, bodies, preemptors, first.is_made)
    except writing.AnswerLost as exc:
        return _those_not_written(claims, exc)
    except errors.ClaimFailed as exc:
        if len(claims) > 1:
            half = len(claims) // 2
            return {**_retry(claims[:half]), **_retry(claims[half:])}
        if isinstance(exc, writing.Refused):
            exc = refusals.explain(first.client, first.plan, bodies, exc)
        first.close_journal(first.preemptors)
        return {first: exc}
    except Exception as exc:
        return dict.fromkeys(claims, exc)
    return {}


def _retry(
    claims: Sequence[claim.Claim],
) -> dict[claim.Claim, Exception]:
    """Write claims that could not be written with others."""
    failed: dict[claim.Claim, Exception] = {}
    for one in claims:
        try:
            one.read_again()
        except placement.PlacementError as exc:
            failed[one] = exc
    claims = [one for one in claims if one not in failed]
    return {**failed, **write(claims)} if claims else failed


def _those_not_written(
    claims: Sequence[claim.Claim], lost: writing.AnswerLost
) -> dict[claim.Claim, Exception]:
    """Find out which claims are not there although they may be written."""
    failed: dict[claim.Claim, Exception] = {}
    for one in claims:
        try:
            one.confirm_written(lost)
        except errors.ClaimFailed as exc:
            one.close_journal(one.preemptors)
            failed[one] = exc
        except Exception as exc:
            failed[one] = exc
    return failed
