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

"""What callers of the core can do wrong.

That a request cannot be served is no error: it is a plan with reasons.
"""


class PreemptionError(ValueError):
    """Base of the errors that the core raises.

    Subclasses set ``msg_fmt``; the keyword arguments fill it in.
    """

    msg_fmt = 'The preemption core was called wrongly.'

    def __init__(self, **kwargs: object) -> None:
        super().__init__(self.msg_fmt % kwargs)


class InvalidRequest(PreemptionError):
    """A request, or the hosts given with it, contradict themselves."""

    msg_fmt = 'The request cannot be planned: %(problem)s.'


class InvalidHost(PreemptionError):
    """A host and its potential victims contradict each other."""

    msg_fmt = 'Host %(provider)s cannot be planned on: %(problem)s.'


class InvalidCost(PreemptionError):
    """A multiplier or the billing period is no usable number."""

    msg_fmt = 'The cost of an eviction cannot be computed: %(problem)s.'
