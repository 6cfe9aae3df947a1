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

"""Which sizes a cloud may have."""

import dataclasses
import unittest

from opie.sandbox import errors
from opie.sandbox import settings

_REFUSED = (
    ('no hosts', {'hosts': 0}),
    ('less than no hosts', {'hosts': -1}),
    ('more hosts than one machine can have', {'hosts': 10_000}),
    ('no VCPU', {'vcpus': 0}),
    ('more VCPU than the stand-in has', {'vcpus': 1001}),
    ('too little RAM', {'ram_mb': 1}),
    ('more RAM than the stand-in has', {'ram_mb': 800_001}),
    ('no scheduler', {'schedulers': 0}),
    ('no compute process', {'compute_processes': 0}),
    ('a process without a host', {'hosts': 2, 'compute_processes': 3}),
    (
        'hosts that are down between two signs of life',
        {'report_interval_seconds': 10, 'service_down_seconds': 10},
    ),
    (
        'a preemption that outlasts the RPC',
        {'preemption_timeout_seconds': 1711},
    ),
)


class SettingsTest(unittest.TestCase):
    def test_the_defaults_make_a_cloud(self):
        self.assertEqual(settings.Settings(), settings.Settings().check())

    def test_what_makes_no_cloud_is_refused_in_one_line(self):
        for name, fields in _REFUSED:
            with (
                self.subTest(name),
                self.assertRaises(errors.SandboxError) as caught,
            ):
                settings.Settings(**fields).check()
            self.assertNotIn('\n', str(caught.exception))


_SIGNS_OF_LIFE = (
    ('few hosts report often', {}, (2, 10)),
    ('ten are few', {'hosts': 10}, (2, 10)),
    ('eleven are many', {'hosts': 11}, (3, 15)),
    ('many hosts report less often', {'hosts': 50}, (10, 50)),
    ('the most hosts there are', {'hosts': 200}, (40, 200)),
    (
        'a user who wants to see soon that one of many is down',
        {'hosts': 50, 'service_down_seconds': 10},
        (2, 10),
    ),
    ('sooner still', {'hosts': 50, 'service_down_seconds': 2}, (1, 2)),
    (
        'a user who wants to see it late',
        {'service_down_seconds': 300},
        (2, 300),
    ),
    (
        'a user who wants few reports',
        {'report_interval_seconds': 10},
        (10, 50),
    ),
    (
        'a user who wants many reports of many hosts',
        {'hosts': 50, 'report_interval_seconds': 1},
        (1, 5),
    ),
    (
        'a user who says both',
        {
            'hosts': 50,
            'report_interval_seconds': 3,
            'service_down_seconds': 7,
        },
        (3, 7),
    ),
)


class SignsOfLifeTest(unittest.TestCase):
    def test_all_hosts_together_report_a_few_times_a_second(self):
        for name, fields, expected in _SIGNS_OF_LIFE:
            with self.subTest(name):
                found = settings.Settings(**fields).check()
                self.assertEqual(
                    expected, (found.report_seconds, found.down_seconds)
                )

    def test_hosts_that_are_added_count(self):
        few = settings.Settings(hosts=5)
        many = dataclasses.replace(few, hosts=50)
        self.assertEqual(10, many.report_seconds)

    def test_no_number_of_hosts_needs_an_option(self):
        for hosts in range(1, settings.MAX_HOSTS + 1):
            settings.Settings(hosts=hosts).check()
            settings.Settings(hosts=hosts, service_down_seconds=2).check()
            settings.Settings(hosts=hosts, report_interval_seconds=60).check()


class HostGroupsTest(unittest.TestCase):
    def groups(self, hosts, processes):
        return settings.Settings(
            hosts=hosts, compute_processes=processes
        ).host_groups()

    def test_one_process_runs_all_hosts(self):
        self.assertEqual([['host1', 'host2', 'host3']], self.groups(3, 1))

    def test_the_last_processes_run_one_host_each(self):
        self.assertEqual(
            [['host1', 'host2'], ['host3'], ['host4']], self.groups(4, 3)
        )

    def test_every_host_may_have_a_process_of_its_own(self):
        self.assertEqual([['host1'], ['host2']], self.groups(2, 2))
