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

A file stands below one that uses it, and make_plan is in the first::

    planner                     the plan, as a whole
      placing                   on which hosts the preemptors go; drives all
        candidate_pool          all hosts, the best first
          bounds                the least that a host could cost
            figures             the sums over a host that a bound needs
            ranks               which of two choices is better
              cost              what evicting a server loses
          candidates            one host, from a bound to its victims
            estimates           which hosts are read
              room              which hosts are too small for certain
            host_search         the choice on one host, for each taking
              victims           the choice for one of them
                shortfall       what resources say
                  cover         the least set of servers
                    relaxation  the least that such a set could cost
                      vectors   the arithmetic of relaxations
              filter_answers    what the cloud's filters say
                leaving         the servers that go in any case
      shares                    what a preemptor takes of each victim

The package trees stands beside these: what placement would propose for a
request if some servers were gone.  The scheduler asks it about a host whose
tree it has read, and the planner chooses between the answers.

The values are in model, amounts of resource classes in amounts, those of whole
trees in rows, what may be spent on a plan in efforts, and what the planner
asks in live_cloud.
"""
