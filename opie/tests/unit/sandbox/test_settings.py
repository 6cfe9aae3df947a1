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
