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

"""Checks of options, alone or as they depend on one another."""

from oslo_concurrency import processutils

from opie.conf import hosts
from opie.conf import threads

# What comes before and after waiting for victims takes time as well: nova's
# own scheduling, and giving everything back when a preemption fails.
MARGIN_SECONDS = 90


class ConfigError(Exception):
    """The configuration cannot work; the text says what to change."""


def check(conf):
    """Check that options have values, and that these go together.

    Waiting for victims must not starve the scheduler.

    :param conf: nova's CONF, parsed, with opie's options registered.
    :raises ConfigError: with one line that says what to change.
    """
    try:
        _ = conf.opie.preempt_for
    except ValueError as exc:
        raise ConfigError('[opie] preempt_for: %s.' % exc) from exc
    timeout = conf.opie.preemption_timeout_seconds
    if timeout + MARGIN_SECONDS > conf.long_rpc_timeout:
        raise ConfigError(
            '[opie] preemption_timeout_seconds (%d) must be at least %d less '
            'than [DEFAULT] long_rpc_timeout (%d), after which no conductor '
            'waits for the answer: lower the former or raise the latter.'
            % (timeout, MARGIN_SECONDS, conf.long_rpc_timeout)
        )
    if hosts.timeout_seconds(conf) >= timeout:
        raise ConfigError(
            '[opie] host_timeout_seconds (%d) must be less than [opie] '
            'preemption_timeout_seconds (%d), or no request could try another '
            'host than its first one: lower the former or raise the latter.'
            % (conf.opie.host_timeout_seconds, timeout)
        )
    seats = threads.seats(conf)
    if threads.slots(conf) > seats:
        raise ConfigError(
            '[opie] max_concurrent_preemptions (%d) must be at most two '
            'thirds of [DEFAULT] executor_thread_pool_size (%d), or ordinary '
            'requests could find every thread waiting: lower the former or '
            'raise the latter.' % (threads.slots(conf), threads.pool(conf))
        )


def warnings(conf):
    """Return what may not work as meant; each a line that says what to change.

    Other hosts are taken to have the same options as this one.

    :param conf: see :func:`check`.
    """
    found = []
    cpus = processutils.get_worker_count()
    waiting = threads.slots(conf) * (conf.scheduler.workers or cpus)
    conductors = threads.conductors_pool(conf) * (
        conf.conductor.workers or cpus
    )
    if waiting >= conductors:
        found.append(
            '%d preemptions can be under way at a time ([opie] '
            'max_concurrent_preemptions times [scheduler] workers), and each '
            'holds a thread of a conductor, of which a host has %d by this '
            'nova.conf ([DEFAULT] executor_thread_pool_size times [conductor] '
            'workers): lower the former or raise the latter, unless there are '
            'more hosts with conductors than with schedulers.'
            % (waiting, conductors)
        )
    if (
        conf.opie.max_preemptions_per_minute
        and not conf.opie.max_preemptions_per_minute_per_project
    ):
        found.append(
            '[opie] max_preemptions_per_minute is set without '
            'max_preemptions_per_minute_per_project, so that one project can '
            'keep all others from preempting: set both.'
        )
    if not conf.periodic_enable:
        found.append(
            '[DEFAULT] periodic_enable is off, so no reaper finishes or '
            'undoes preemptions that were interrupted, and the journal of '
            'those that are over stays in placement: turn it on.'
        )
    return found
