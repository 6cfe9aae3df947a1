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

"""Which requests are alike, so that one refusal answers them."""

import copy
import itertools
import json
import time

from nova import objects
import nova.conf
from nova.tests import fixtures as nova_fixtures
from oslo_utils.fixture import uuidsentinel as uuids
import testtools

import opie.conf
from opie.scheduler.preempting import refusal_cache

opie.conf.register_opts(nova.conf.CONF)

_SAME = ('instance_uuid', 'id')


def make_spec(**fields):
    """Return a RequestSpec with something in each of its objects."""
    values = {
        'id': 1,
        'instance_uuid': uuids.server,
        'project_id': 'project',
        'user_id': 'user',
        'availability_zone': 'nova',
        'num_instances': 1,
        'is_bfv': False,
        'ignore_hosts': ['ignored'],
        'force_hosts': ['forced'],
        'force_nodes': ['node'],
        'limits': None,
        'retry': None,
        'instance_group': None,
        'scheduler_hints': {'same_host': ['a', 'b']},
        'flavor': objects.Flavor(
            id=7,
            name='small',
            flavorid='f',
            memory_mb=512,
            vcpus=1,
            root_gb=1,
            ephemeral_gb=0,
            swap=0,
            extra_specs={'hw:cpu_policy': 'shared'},
        ),
        'image': objects.ImageMeta(
            id=uuids.image,
            min_ram=0,
            min_disk=0,
            properties=objects.ImageMetaProps(hw_disk_bus='virtio'),
        ),
        'numa_topology': objects.InstanceNUMATopology(
            instance_uuid=uuids.server,
            cells=[
                objects.InstanceNUMACell(
                    id=3, cpuset={0}, pcpuset=set(), memory=512
                )
            ],
        ),
        'pci_requests': objects.InstancePCIRequests(
            instance_uuid=uuids.server,
            requests=[
                objects.InstancePCIRequest(
                    count=1,
                    spec=[{'vendor_id': '8086'}],
                    request_id=uuids.device,
                )
            ],
        ),
        'requested_destination': objects.Destination(
            host='host', aggregates=['x'], forbidden_aggregates={'y'}
        ),
        'requested_resources': [
            objects.RequestGroup(requester_id='port', resources={'NET_BW': 1})
        ],
        'request_level_params': objects.RequestLevelParams(
            root_required={'CUSTOM_A'}, root_forbidden={'CUSTOM_B'}
        ),
        'requested_networks': objects.NetworkRequestList(
            objects=[objects.NetworkRequest(network_id=uuids.network)]
        ),
        'network_metadata': objects.NetworkMetadata(
            physnets={'one'}, tunneled=False
        ),
    }
    values.update(fields)
    return objects.RequestSpec(**values)


def primitive_of(spec):
    # In the types of JSON, so that all of it can be changed.
    return json.loads(json.dumps(spec.obj_to_primitive()))


def leaves(value, path=()):
    """Return the path of everything in a value that holds nothing itself."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return [path]
    return [leaf for key, item in items for leaf in leaves(item, (*path, key))]


def changed(primitive, path):
    """Return a primitive with another value at a path."""
    primitive = copy.deepcopy(primitive)
    holder = primitive
    for key in path[:-1]:
        holder = holder[key]
    value = holder[path[-1]]
    holder[path[-1]] = (
        not value if isinstance(value, bool) else '%s and more' % value
    )
    return primitive


def is_about_the_server(path):
    """Tell whether requests may differ there and still be alike."""
    return (
        'nova_object.changes' in path
        or path[0] != 'nova_object.data'
        or path[1] == 'id'
        or path[-1] in ('instance_uuid', 'request_id')
    )


class KeyTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(nova_fixtures.ConfFixture(nova.conf.CONF))

    def key(self, spec, number=1, is_room_hidden=False):
        return refusal_cache.key_of(spec, number, is_room_hidden)

    def test_every_difference_makes_another_key(self):
        """Differences that are about the server alone do not count."""
        primitive = primitive_of(make_spec())
        usual = refusal_cache.key_of_primitive(primitive, 1, False)
        keys = [usual]
        for path in leaves(primitive):
            key = refusal_cache.key_of_primitive(
                changed(primitive, path), 1, False
            )
            if is_about_the_server(path):
                self.assertEqual(usual, key, path)
            else:
                keys.append(key)
        self.assertEqual(len(keys), len(set(keys)))
        self.assertGreater(len(keys), 60)

    def test_every_field_of_a_spec_counts(self):
        """It counts, no matter which release of nova has it."""
        spec = make_spec()
        usual = self.key(spec)
        for name in objects.RequestSpec.fields:
            if name in spec and name not in _SAME:
                primitive = primitive_of(spec)
                del primitive['nova_object.data'][name]
                self.assertNotEqual(
                    usual,
                    refusal_cache.key_of_primitive(primitive, 1, False),
                    name,
                )

    def test_another_server_that_asks_for_the_same_is_alike(self):
        devices = make_spec().pci_requests
        devices.instance_uuid = uuids.another
        devices.requests[0].request_id = uuids.other_device
        again = make_spec(
            id=2, instance_uuid=uuids.another, pci_requests=devices
        )
        again.obj_reset_changes(recursive=True)
        self.assertEqual(self.key(make_spec()), self.key(again))

    def in_placement(self, *request_ids, counts=(1, 1)):
        """Return the spec of a server whose PCI devices placement tracks."""
        spec = make_spec(
            pci_requests=objects.InstancePCIRequests(
                requests=[
                    objects.InstancePCIRequest(
                        count=count,
                        alias_name='gpu',
                        spec=[{'resource_class': 'GPU'}],
                        request_id=request_id,
                    )
                    for request_id, count in zip(
                        request_ids, counts, strict=True
                    )
                ]
            ),
            requested_resources=[],
        )
        nova.conf.CONF.set_override(
            'pci_in_placement', True, 'filter_scheduler'
        )
        spec.generate_request_groups_from_pci_requests()
        self.assertEqual(sum(counts), len(spec.requested_resources))
        return spec

    def test_so_is_one_whose_devices_placement_tracks(self):
        one = self.in_placement(uuids.one, uuids.two)
        other = self.in_placement(uuids.three, uuids.four)
        self.assertEqual(self.key(one), self.key(other))

    def test_how_many_devices_are_of_which_request_counts(self):
        one = self.in_placement(uuids.one, uuids.two, counts=(1, 2))
        other = self.in_placement(uuids.three, uuids.four, counts=(2, 1))
        self.assertNotEqual(self.key(one), self.key(other))

    def test_a_port_is_of_interest_where_it_has_no_device(self):
        keys = {
            self.key(
                make_spec(
                    requested_resources=[
                        objects.RequestGroup(
                            requester_id=port, resources={'NET_BW': 1}
                        )
                    ]
                )
            )
            for port in (uuids.one, uuids.two)
        }
        self.assertEqual(2, len(keys))

    def test_numbers_and_hidden_room_count(self):
        keys = {
            self.key(make_spec(), number, is_room_hidden)
            for number, is_room_hidden in itertools.product(
                (1, 2, 12), (False, True)
            )
        }
        self.assertEqual(6, len(keys))

    def test_a_value_is_not_taken_for_one_of_another_type(self):
        keys = {
            self.key(make_spec(availability_zone=zone))
            for zone in (None, 'None', 'null', '')
        }
        self.assertEqual(4, len(keys))

    def test_what_json_does_not_know_is_no_error(self):
        primitive = primitive_of(make_spec())
        primitive['nova_object.data']['new'] = {1}
        one = refusal_cache.key_of_primitive(primitive, 1, False)
        primitive['nova_object.data']['new'] = {2}
        self.assertNotEqual(
            one, refusal_cache.key_of_primitive(primitive, 1, False)
        )

    def test_a_group_has_none_nor_has_anything_when_it_is_off(self):
        group = objects.InstanceGroup(uuid=uuids.group)
        self.assertIsNone(self.key(make_spec(instance_group=group)))
        nova.conf.CONF.set_override('refusal_cache_seconds', 0, 'opie')
        self.assertIsNone(self.key(make_spec()))


class RefusalsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(nova_fixtures.ConfFixture(nova.conf.CONF))

    def test_it_remembers_the_last_ones(self):
        known = refusal_cache.RefusalCache(most=2)
        for key in (b'a', b'b', b'a', b'c'):
            known.note(key, 'no room', time.monotonic())
        self.assertIsNone(known.find(b'b'))
        self.assertIn('no room', known.find(b'a'))
        self.assertIn('no room', known.find(b'c'))

    def test_nothing_is_known_of_what_has_no_key(self):
        known = refusal_cache.RefusalCache()
        known.note(None, 'no room', time.monotonic())
        self.assertIsNone(known.find(None))

    def test_room_that_is_given_back_may_be_that_of_a_refusal(self):
        known = refusal_cache.RefusalCache()
        before = time.monotonic()
        known.note(b'a', 'no room', before)
        known.forget()
        self.assertIsNone(known.find(b'a'))
        known.note(b'a', 'planned on what was read before', before)
        self.assertIsNone(known.find(b'a'))
        known.note(b'a', 'no room', time.monotonic())
        self.assertIn('no room', known.find(b'a'))
