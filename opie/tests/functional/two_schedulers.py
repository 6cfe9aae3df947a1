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

"""Two scheduler services, which know nothing of one another."""

import threading

from nova.scheduler import rpcapi
from nova.tests import fixtures as nova_fixtures
import oslo_messaging as messaging

from opie.scheduler.claims import claim
from opie.tests.functional import base


class TwoSchedulersMixin:
    """For a :class:`base.CloudTestCase`."""

    def start_second_scheduler(self):
        """Let the scheduler services get the next requests in turn."""
        # nova's start_service lets no test start a second one.
        another = self.useFixture(
            nova_fixtures.ServiceFixture('scheduler', 'scheduler2')
        )
        managers = [self.scheduler_service.manager, another.service.manager]

        def call(real, api, context, spec_obj, uuids, *flags):
            managers.reverse()
            try:
                return managers[0].select_destinations(
                    context,
                    spec_obj=spec_obj.obj_clone(),
                    instance_uuids=uuids,
                    return_objects=flags[0],
                    return_alternates=flags[1],
                )
            except messaging.ExpectedException as exc:
                raise exc.exc_info[1] from exc

        self.wrap(rpcapi.SchedulerAPI, 'select_destinations', call)

    def let_both_plan_before_one_claims(self):
        """Let the first two plans be made on the same facts.

        :returns: a list to which the victims of each plan are added.
        """
        chosen = []
        barrier = threading.Barrier(2)

        def meet(real, one, *args):
            chosen.append(one.takes_from)
            if len(chosen) <= barrier.parties:
                barrier.wait(base.WAIT_SECONDS)
            return real(one, *args)

        self.wrap(claim.Claim, 'prepare', meet)
        return chosen
