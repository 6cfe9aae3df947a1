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

"""What may be spent on the choices of one plan."""

import collections.abc

# How long the least set is searched for, see cover.py: a few seconds at the
# most, and far more than servers of a cloud's flavors were seen to need.
_MAX_NODES = 5000
_FEW_NODES = 100


def _never() -> bool:
    return False


class Effort:
    """What may be spent on the choices of one plan.

    :ivar is_search_over: tells whether to end with what is found.
    :ivar max_nodes: how long to search for a least set.
    :ivar is_exceeded: whether a search was given up, so that some choice may
        not be the least.
    """

    def __init__(
        self, is_search_over: collections.abc.Callable[[], bool] = _never
    ) -> None:
        self.is_search_over = is_search_over
        self.max_nodes = _MAX_NODES
        self.is_exceeded = False

    def exceed(self) -> None:
        """Note that a search was given up, and let later ones be short."""
        self.is_exceeded = True
        self.max_nodes = _FEW_NODES
