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

"""Limits of victims: their number, their projects and their hosts."""

from nova.scheduler import host_manager as nova_host_manager
from nova.tests.functional.api import client

from opie.scheduler.planning import protection
from opie.scheduler.preempting import eviction
from opie.tests.functional import base

_OTHER_PROJECT = '0123456789abcdef0123456789abcdef'


class LimitsTestCase(base.CloudTestCase):
    def assertRefused(self, reason, vcpu=10, **members):
        refused = self.boot(vcpu, state='ERROR', **members)
        self.assertNoValidHost(refused)
        (line,) = self.logged('No room is made for %s' % refused['id'])
        self.assertIn(reason, line)


class MostVictimsTest(LimitsTestCase):
    def setUp(self):
        super().setUp()
        self.flags(preemptible_count_weight_multiplier=1.0)
        self.dear = self.boot_preemptible(10, 'host1')
        self.has_run(self.dear, 3500)
        self.cheap = [self.boot_preemptible(5, 'host2') for _ in range(2)]

    def test_without_a_limit_there_may_be_any_number(self):
        self.assertUntouched(self.boot(10), self.dear)
        self.assertGone(*self.cheap)

    def test_with_a_limit_the_dear_one_goes(self):
        self.flags(max_victims_per_request=1, group='opie')
        self.assertUntouched(self.boot(10), *self.cheap)
        self.assertGone(self.dear)
        self.assertRefused(
            'more than 1 victims would have to go '
            '([opie] max_victims_per_request)'
        )
        self.assertUntouched(*self.cheap)

    def test_several_servers_count_together(self):
        self.flags(max_victims_per_request=2, group='opie')
        self.assertRefused(
            '[opie] max_victims_per_request', min_count=2, max_count=2
        )
        self.assertUntouched(self.dear, *self.cheap)
        self.boot(5, min_count=2, max_count=2)
        self.assertUntouched(self.dear)
        self.assertGone(*self.cheap)


class NeverEvictedTest(LimitsTestCase):
    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.mine = self.api
        self.api = client.TestOpenStackClient(
            'admin',
            self.mine.base_url,
            project_id=_OTHER_PROJECT,
            roles=['reader', 'member', 'admin'],
        )
        self.api.microversion = self.mine.microversion
        self.theirs = self.boot_preemptible(5)
        self.api = self.mine
        self.own = self.boot_preemptible(5)
        # Theirs would be the cheaper one.
        self.has_run(self.own, 3500)

    def protect(self):
        self.flags(never_evicted_projects=[_OTHER_PROJECT], group='opie')

    def assertTheirsLives(self):
        self.assertIsNone(self.instance(self.theirs).task_state)
        self.assertHolds(5, self.theirs)

    def test_their_servers_go_without_it(self):
        self.assertUntouched(self.boot(5), self.own)
        self.assertGone(self.theirs)

    def test_their_servers_stay(self):
        self.protect()
        self.assertUntouched(self.boot(5))
        self.assertGone(self.own)
        self.assertRefused('not enough', 5)
        self.assertTheirsLives()

    def test_they_stay_when_it_is_said_after_the_claim(self):
        def protect(real, *args):
            self.protect()
            return real(*args)

        self.wrap_once(eviction.Eviction, 'run', protect)
        self.assertUntouched(self.boot(5))
        self.assertGone(self.own)
        self.assertTheirsLives()
        self.assertTrue(self.logged('is void: the victim is of a project in'))

    def test_they_may_preempt_all_the_same(self):
        self.protect()
        self.api = client.TestOpenStackClient(
            'admin',
            self.mine.base_url,
            project_id=_OTHER_PROJECT,
            roles=['reader', 'member', 'admin'],
        )
        self.api.microversion = self.mine.microversion
        self.assertUntouched(self.boot(5))
        self.api = self.mine
        self.assertGone(self.own)


class WhereTest(LimitsTestCase):
    """A preemptible server on each of two hosts, the first one cheaper."""

    def setUp(self):
        super().setUp()
        self.victims = {
            host: self.boot_preemptible(10, host) for host in self.hosts
        }
        self.has_run(self.victims['host2'], 3500)

    def say(self, name, host, value, availability_zone=None):
        return self.add_aggregate(
            name,
            host,
            availability_zone,
            **{protection.AGGREGATE_KEY: value},
        )

    def assertGoesTo(self, host):
        self.assertEqual(host, self.host_of(self.boot(10)))
        self.assertGone(self.victims[host])

    def test_no_server_goes_where_an_aggregate_says_so(self):
        kept = self.say('kept', 'host1', 'false')
        self.assertGoesTo('host2')
        self.assertRefused(
            '1 of 2 hosts: no server may be evicted there: an aggregate says '
            'opie:evict=false, 1 of 2 hosts: not enough VCPU even without '
            'preemptible servers; 1 preemptible server on 1 host: 1 is where '
            'no server may be evicted: an aggregate says opie:evict=false, 0 '
            'may be evicted'
        )
        self.assertUntouched(self.victims['host1'])
        # No restart is needed.
        metadata = {protection.AGGREGATE_KEY: 'true'}
        self.api.post_aggregate_action(
            kept, {'set_metadata': {'metadata': metadata}}
        )
        self.assertGoesTo('host1')

    def test_an_option_tells_what_is_so_elsewhere(self):
        self.flags(evict_by_default=False, group='opie')
        self.assertRefused('[opie] evict_by_default is off')
        self.say('open', 'host2', 'true')
        self.assertGoesTo('host2')
        self.assertRefused('[opie] evict_by_default is off')
        self.assertUntouched(self.victims['host1'])
        self.flags(evict_by_default=True, group='opie')
        self.assertGoesTo('host1')

    def test_an_availability_zone_may_tell_it(self):
        self.flags(evict_by_default=False, group='opie')
        self.start_compute('host3')
        self.say('zone', 'host3', 'true', availability_zone='az3')
        self.victims['host3'] = self.boot_preemptible(
            10, availability_zone='az3'
        )
        self.assertGoesTo('host3')

    def test_the_more_careful_of_two_aggregates_wins(self):
        self.say('open', 'host1', 'true')
        self.say('kept', 'host1', 'no')
        self.assertGoesTo('host2')
        self.assertUntouched(self.victims['host1'])

    def test_what_is_no_boolean_keeps_them_and_is_complained_of(self):
        self.say('wrong', 'host1', 'flase')
        self.assertGoesTo('host2')
        self.assertUntouched(self.victims['host1'])
        self.assertIn('opie:evict=flase', self.logged('neither true')[0])

    def test_a_host_that_leaves_the_aggregate_is_as_others(self):
        kept = self.say('kept', 'host1', 'false')
        self.api.post_aggregate_action(
            kept, {'remove_host': {'host': 'host1'}}
        )
        self.assertGoesTo('host1')

    def lose_messages(self):
        """Let no message of nova's about an aggregate arrive."""
        self.wrap(
            nova_host_manager.HostManager,
            'update_aggregates',
            lambda real, *args: None,
        )

    def test_a_message_that_is_lost_costs_no_server(self):
        self.lose_messages()
        self.say('kept', 'host1', 'false')
        self.assertGoesTo('host2')
        (line,) = self.logged('is void')
        self.assertIn('host1: no server may be evicted there', line)
        self.assertUntouched(self.victims['host1'])
        # The next request does not try it.
        self.assertRefused('1 of 2 hosts: no server may be evicted there')
        self.assertEqual(1, len(self.logged('is void')))

    def test_aggregates_are_read_again_now_and_then(self):
        self.lose_messages()
        self.say('kept', 'host1', 'false')
        manager = self.scheduler_service.manager
        manager._keep_aggregates_fresh(None)
        self.assertGoesTo('host2')
        self.assertEqual([], self.logged('is void'))

    def test_there_is_room_there_as_usual(self):
        self.say('kept', 'host1', 'false')
        self.api.delete_server(self.victims['host1']['id'])
        self.wait_until_gone(self.victims['host1'])
        self.assertEqual('host1', self.host_of(self.boot(10)))
        self.assertUntouched(self.victims['host2'])
