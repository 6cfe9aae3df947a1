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

from opie.scheduler import errors
from opie.scheduler import steps
from opie.scheduler.claims import claim
from opie.scheduler.claims import writing


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
    first = claims[0]
    bodies = {
        uuid: body for one in claims for uuid, body in one.bodies().items()
    }
    preemptors = set().union(*(one.preemptors for one in claims))
    try:
        writing.write(first.client, bodies, preemptors, first.is_made)
    except writing.AnswerLost as exc:
        return _those_not_written(claims, exc)
    except errors.ClaimFailed as exc:
        if len(claims) > 1:
            half = len(claims) // 2
            return {**write(claims[:half]), **write(claims[half:])}
        first.close_journal(first.preemptors)
        return {first: exc}
    except Exception as exc:
        return dict.fromkeys(claims, exc)
    return {}


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
