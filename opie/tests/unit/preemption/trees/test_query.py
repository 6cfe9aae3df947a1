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

"""A query says to opie's core what it says to placement."""

from nova import objects
from nova.scheduler import utils as scheduler_utils
from oslo_utils.fixture import uuidsentinel as uuids

from opie.preemption import errors
from opie.preemption.trees import asked
from opie.preemption.trees import query
from opie.tests.trees import clouds
from opie.tests.unit.preemption.trees import base

AVX = base.AVX
NUMBER = 'resources=VCPU:1'


class ReadTest(base.TreesTestCase):
    def test_what_nova_asks_is_read(self):
        objects.register_all()
        request = scheduler_utils.ResourceRequest.from_request_groups(
            [objects.RequestGroup(requester_id='port', resources={'VGPU': 1})],
            objects.RequestLevelParams(
                root_required={AVX},
                root_forbidden={base.SSD},
                same_subtree=[{'port'}],
            ),
            'isolate',
        )
        group = request.get_request_group(None)
        group.resources = {'VCPU': 2, 'MEMORY_MB': 64}
        group.required_traits = {AVX}
        group.forbidden_traits = {base.SSD}
        group.aggregates = [[uuids.blue, uuids.green]]
        group.forbidden_aggregates = {uuids.red}
        group.in_tree = uuids.host
        self.assertEqual(
            asked.Request(
                {
                    '': asked.Group(
                        {'VCPU': 2, 'MEMORY_MB': 64},
                        (frozenset({AVX}),),
                        frozenset({base.SSD}),
                        (frozenset({uuids.blue, uuids.green}),),
                        frozenset({uuids.red}),
                        uuids.host,
                    ),
                    'port': asked.Group({'VGPU': 1}),
                },
                True,
                (frozenset({'port'}),),
                frozenset({AVX}),
                frozenset({base.SSD}),
                1000,
            ),
            query.read(clouds.pairs_of(request.to_querystring())),
        )

    def test_lists_of_traits_and_aggregates_are_taken_together(self):
        request = query.read(
            base.pairs_of(
                '%s&required=%s,!%s&required=in:%s,%s&member_of=blue'
                '&member_of=!green' % (NUMBER, AVX, base.SSD, AVX, base.AVX2)
            )
        )
        self.assertEqual(
            asked.Group(
                {'VCPU': 1},
                (frozenset({AVX}), frozenset({AVX, base.AVX2})),
                frozenset({base.SSD}),
                (frozenset({uuids.blue}),),
                frozenset({uuids.green}),
            ),
            request.groups[''],
        )

    def test_the_last_resources_count(self):
        request = query.read(clouds.pairs_of(NUMBER + '&resources=VGPU:2'))
        self.assertEqual({'VGPU': 2}, request.groups[''].resources)


class BadQueryTest(base.TreesTestCase):
    def test_what_placement_refuses_is_refused_with_the_reason(self):
        for text, reason in (
            ('', 'it asks for no resources'),
            ('required=' + AVX, 'it asks for no resources'),
            ('resources=', "'', in place of CLASS:AMOUNT"),
            ('resources=VCPU', "'VCPU', in place of CLASS:AMOUNT"),
            ('resources=VCPU:1:2', 'CLASS:AMOUNT'),
            ('resources=VCPU:x', 'CLASS:AMOUNT'),
            ('resources=VCPU:0', 'asks for 0 of VCPU'),
            (NUMBER + '&required=', 'of traits it says'),
            (NUMBER + '&required=,' + AVX, 'of traits it says'),
            (NUMBER + '&required=!', 'of traits it says'),
            (NUMBER + '&required=in:!' + AVX, 'of traits it says'),
            (
                '%s&required=%s,!%s' % (NUMBER, AVX, AVX),
                'it requires and forbids ' + AVX,
            ),
            (
                '%s&required=in:%s&required=!%s' % (NUMBER, AVX, AVX),
                'it requires and forbids ' + AVX,
            ),
            (NUMBER + '&member_of=', "'' is no uuid"),
            (NUMBER + '&member_of=blue', "'blue' is no uuid"),
            (
                '%s&member_of=%s,%s' % (NUMBER, uuids.blue, uuids.green),
                'several begin with in:',
            ),
            (NUMBER + '&in_tree=host', "'host' is no uuid"),
            (NUMBER + '&limit=0', "limit is '0'"),
            (NUMBER + '&limit=x', "limit is 'x'"),
            (NUMBER + '&group_policy=', "group_policy is ''"),
            (NUMBER + '&root_required=in:' + AVX, 'one list of traits'),
            (
                '%s&root_required=%s&root_required=%s' % (NUMBER, AVX, AVX),
                'one list of traits',
            ),
            (
                '%s&root_required=%s,!%s' % (NUMBER, AVX, AVX),
                'it requires and forbids ' + AVX,
            ),
            (NUMBER + '&same_subtree=', 'empty suffix'),
            (NUMBER + '&same_subtree=1', 'groups that are not there: 1'),
            (NUMBER + '&unknown=1', "an unknown key, 'unknown'"),
            (NUMBER + '&resources.=VCPU:1', "an unknown key, 'resources.'"),
            (
                NUMBER + '&resources%s=VCPU:1' % ('a' * 65),
                'an unknown key',
            ),
            (
                '%s&required1=%s' % (NUMBER, AVX),
                "group '1' asks for no resources, and is in no same_subtree",
            ),
            (
                'resources1=VCPU:1&resources2=VCPU:1',
                'several suffixes and no group_policy',
            ),
        ):
            pairs = clouds.pairs_of(text)
            self.assertEqual(400, self.real.ask(pairs)[0], text)
            error = self.assertRaises(errors.InvalidRequest, query.read, pairs)
            self.assertIn(reason, str(error), text)
