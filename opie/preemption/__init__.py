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

"""The decision which servers give way, as a pure function.

Nothing in here knows nova, placement, options, a clock or a log: values go
in, a plan comes out.  ``opie.scheduler.planning`` makes the values, and
``opie.scheduler.preempting`` carries the plan out.

A reader who begins with make_plan meets the files in this order::

    planner                     the plan as a whole
      candidate_pool            the hosts, the best first
        candidates              one host, from a bound to its victims
          estimates             which hosts are read
          victims               the choice on one host
            filter_answers      what the cloud's filters say
              shares            what a preemptor takes of a victim
            shortfall           what resources say
              cover, ranks      the least set of servers, and its order
        bounds                  the least that a host could cost
      placing                   several preemptors on several hosts

The values are in model, demand and resources; cost and figures are what they
compute with.
"""
