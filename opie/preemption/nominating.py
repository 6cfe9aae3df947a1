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

"""Preemptors on their nominated hosts."""

import collections.abc

from opie.preemption import model


def nominate(
    preemptors: collections.abc.Iterable[str],
    provider: str,
    victims: tuple[model.Server, ...],
) -> tuple[model.Nomination, ...]:
    """Nominate preemptors to one host; the first one adds the victims."""
    return tuple(
        model.Nomination(preemptor, provider, () if index else victims)
        for index, preemptor in enumerate(preemptors)
    )
