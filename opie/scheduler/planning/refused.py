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

"""What placement has refused of late, so that no plan tries it again.

An operator may change the inventory that was in the way, so it is remembered
for a minute only.  Then one plan more is made in vain.
"""

from collections.abc import Iterable

from opie.scheduler import waiting

_REMEMBERED_SECONDS = 60


class RefusedVictims:
    """Victims that hold what placement would not let them keep."""

    def __init__(self) -> None:
        self._until: dict[str, waiting.Deadline] = {}

    def note(self, uuids: Iterable[str]) -> None:
        """Note that placement refuses any claim on some victims."""
        until = waiting.Deadline.after(_REMEMBERED_SECONDS)
        self._until.update(dict.fromkeys(uuids, until))

    def of_late(self) -> frozenset[str]:
        """Return the uuids of those that are not to be tried now."""
        for uuid, until in list(self._until.items()):
            if until.is_over:
                del self._until[uuid]
        return frozenset(self._until)
