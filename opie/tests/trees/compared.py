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

"""What placement proposes is what opie's core proposes, request by request.

Placement 16 makes three mistakes, which opie's core does not.

* It fails where the group without a suffix could use a sharing provider that
  has a parent, and of whose own tree it proposes nothing.
* It asks for too much where several groups ask for the same resource class,
  unless group_policy is none.  So it is asked with none, and what is not
  isolated is left out here.
* Where sharing providers can serve all of the group without a suffix, it
  combines that with the other groups for one tree only, any of those that
  could use them.  So it is asked for each tree by itself.
"""

from opie.preemption import errors
from opie.preemption.trees import query
from opie.tests.trees import clouds

REFUSED = 'refused'
FAILED = 'placement fails'


def by_opie(forest, pairs):
    """Return what opie's core proposes, or REFUSED."""
    try:
        found = clouds.proposed(forest, pairs)
    except errors.InvalidRequest:
        return REFUSED
    assert len(found) == len(set(found)), 'something is proposed twice'
    return set(found)


def by_placement(real, cloud, pairs):
    """Return what placement proposes now, REFUSED or FAILED."""
    try:
        request = query.read(pairs)
    except errors.InvalidRequest:
        status, _ = real.ask(pairs)
        return REFUSED if status == 400 else status
    pairs = [pair for pair in pairs if pair[0] != 'group_policy']
    pairs.append(('group_policy', 'none'))
    status, found = real.ask(pairs)
    if status == 200 and _may_be_shared(cloud, request):
        status, found = real.ask_tree_by_tree(pairs)
    if status == 500 and has_sharing_child(cloud):
        return FAILED
    assert status == 200, (status, pairs)
    if request.is_isolated:
        found = {proposal for proposal in found if _is_isolated(proposal)}
    return found


def _may_be_shared(cloud, request):
    """Tell whether sharing providers could serve a group over a tree.

    There are others to combine it with.
    """
    if '' not in request.groups or len(request.groups) == 1:
        return False
    shared = {
        name
        for provider in cloud.providers
        if provider.is_sharing
        for name in provider.inventories
    }
    return request.groups[''].resources.keys() <= shared


def has_sharing_child(cloud):
    """Tell whether a sharing provider of the cloud has a parent."""
    return any(one.is_sharing and one.parent for one in cloud.providers)


def _is_isolated(proposal):
    uuids = [uuids for suffix, uuids in proposal.mappings if suffix]
    return len(uuids) == len(set(uuids))


def kinds_of(cloud, pairs):
    """Return what is peculiar about a request, and about its cloud."""
    request = query.read(pairs)
    groups = request.groups.values()
    classes = [name for group in groups for name in group.resources]
    inventories = [
        inventory
        for provider in cloud.without_preemptible().providers.values()
        for inventory in provider.inventories.values()
    ]
    found = {
        'several groups': len(groups) > 1,
        'three groups or more': len(groups) > 2,
        'a class in several groups': len(classes) > len(set(classes)),
        'isolated': request.is_isolated,
        'same_subtree': request.same_subtrees,
        'a group without resources': not all(one.resources for one in groups),
        'required': any(one.required for one in groups),
        'any of several traits': any(
            len(some) > 1 for one in groups for some in one.required
        ),
        'forbidden': any(one.forbidden for one in groups),
        'member_of': any(one.member_of for one in groups),
        'not member_of': any(one.not_member_of for one in groups),
        'in_tree': any(one.in_tree for one in groups),
        'root_required': request.root_required | request.root_forbidden,
        'nested': any(one.parent for one in cloud.providers),
        'sharing': any(one.is_sharing for one in cloud.providers),
        'sharing below a root': has_sharing_child(cloud),
        'preemptible servers': cloud.preemptible,
        'reserved': any(one.reserved for one in inventories),
        'ratios': any(one.allocation_ratio != 1 for one in inventories),
        'units': any(not one.is_unit(1) for one in inventories),
        'over its capacity': any(one.free < 0 for one in inventories),
    }
    return [name for name, is_so in found.items() if is_so]
