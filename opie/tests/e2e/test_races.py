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

"""Many normal requests at once, on several schedulers."""

import concurrent.futures
import functools

from opie.tests.e2e import base

_HOSTS = 50
_VCPUS = 4
_RAM_MB = 4096
# Two on each host.
_FLAVOR = 'medium'
_PREEMPTIBLES = 100
_AT_ONCE = 10
_ROUNDS = 10


class RaceTest(base.CloudTestCase):
    settings = {
        'hosts': _HOSTS,
        'vcpus': _VCPUS,
        'ram_mb': _RAM_MB,
        'schedulers': 3,
        'service_down_seconds': 60,
        'report_interval_seconds': 10,
        # The journal is to be empty soon.
        'nova_options': {'opie': {'reaper_interval_seconds': 10}},
    }
    # So many computes take half a CPU while there are no requests.
    is_shared = False

    def test_no_server_is_lost_and_no_room_is_sold_twice(self):
        preemptibles = set()
        # NOTE: for each server of a request nova tries the hosts that the
        # weighers prefer, and those are full of the servers before it.
        for _ in range(_PREEMPTIBLES // _AT_ONCE):
            preemptibles |= self.create_preemptible(_FLAVOR, _AT_ONCE)
        normals = {}
        with self.watcher.watching(
            self.watcher.over_capacity,
            functools.partial(
                self.watcher.overbooked, _VCPUS, _RAM_MB, 'normal'
            ),
        ) as wrong:
            for _ in range(_ROUNDS):
                servers = self.create_at_once(_AT_ONCE)
                normals.update(self.final_statuses(servers))
        self.assertEqual([], wrong)
        # There was room for each.
        self.assertEqual(
            [],
            [
                self.compute().get_server(uuid).fault
                for uuid, status in normals.items()
                if status != 'ACTIVE'
            ],
        )
        self.assertEqual(_AT_ONCE * _ROUNDS, len(normals))
        self.wait_for(
            lambda: self.assertEqual(
                len(normals), len(preemptibles - self.watcher.placed())
            )
        )
        # Each preemptor took one place; each deletion was asked for once.
        gone = preemptibles - self.watcher.placed()
        self.assertEqual(dict.fromkeys(gone, 1), self.watcher.deletions())
        self.assert_nothing_is_left()

    def create_at_once(self, number):
        with concurrent.futures.ThreadPoolExecutor(number) as pool:
            return list(
                pool.map(
                    lambda index: self.create(_FLAVOR, 'normal-%d' % index),
                    range(number),
                )
            )
