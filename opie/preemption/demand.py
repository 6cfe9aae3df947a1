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

"""What the planner asks of one host for some preemptors of a request."""

import dataclasses
import functools

from opie.preemption import cost
from opie.preemption import model
from opie.preemption import resources


@dataclasses.dataclass(frozen=True)
class Demand:
    """What some preemptors of a request ask of one host.

    :ivar resources: what each of them takes on the host's root provider.
    :ivar number: how many they are.
    :ivar its_cost: what evicting servers for them loses.
    :ivar most_victims: how many servers may go for them, None for any number.
    """

    resources: model.Resources
    number: int
    its_cost: cost.Cost
    most_victims: int | None = None

    @functools.cached_property
    def total(self) -> model.Resources:
        """What all of them take together."""
        return resources.times(self.resources, self.number)
