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

"""A request of ``GET /allocation_candidates``, group by group."""

from collections.abc import Mapping
import dataclasses

from opie.preemption import amounts


@dataclasses.dataclass(frozen=True)
class Group:
    """What is asked for in one group.

    :ivar resources: empty for a group that asks for traits or aggregates
        alone.
    :ivar required: sets of traits: one of each set must be there.
    :ivar forbidden: traits of which none may be there.
    :ivar member_of: sets of aggregates: it must be in one of each set.
    :ivar not_member_of: aggregates of which it may be in none.
    :ivar in_tree: the uuid of any provider of the tree that it must come
        from, None for any tree.
    """

    resources: amounts.Amounts = dataclasses.field(default_factory=dict)
    required: tuple[frozenset[str], ...] = ()
    forbidden: frozenset[str] = frozenset()
    member_of: tuple[frozenset[str], ...] = ()
    not_member_of: frozenset[str] = frozenset()
    in_tree: str | None = None


@dataclasses.dataclass(frozen=True)
class Request:
    """All groups, and what is asked of them together.

    :ivar groups: suffix to group.  The empty suffix is that of the group that
        may be spread over a tree; each other one comes from one provider.
    :ivar is_isolated: whether groups with suffixes must come from different
        providers.
    :ivar same_subtrees: sets of suffixes: one of the providers of each set
        must be an ancestor of all the others.
    :ivar root_required: traits which the root of the tree must have.
    :ivar root_forbidden: traits which it may not have.
    :ivar limit: how many proposals are wanted, None for all of them.
    """

    groups: Mapping[str, Group]
    is_isolated: bool = False
    same_subtrees: tuple[frozenset[str], ...] = ()
    root_required: frozenset[str] = frozenset()
    root_forbidden: frozenset[str] = frozenset()
    limit: int | None = None
