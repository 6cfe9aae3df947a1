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

"""What a scheduler is at when it dies, in the words of the protocol's page.

doc/source/protocol.rst says for each of these what is left and who repairs it.
"""

# The first that has a function on the path of a call tells.
_FUNCTIONS = (
    ('the reaper looks', ('journal.in_flight', 'reaper.Reaper.finding')),
    ('the reaper closes', ('reaper.Reaper._close',)),
    (
        'the reaper repairs',
        (
            'reaper.Reaper.repair',
            'reaper.Reaper.lost_deletions',
            'reaper.Reaper.delete_again',
        ),
    ),
    (
        'gives back',
        (
            'claim.Claim.give_back',
            'claim.Claim.close',
            'attempt.Attempt._empty_deleted',
            'attempt.Attempt._let_deletions_end',
        ),
    ),
    (
        'opens the journal',
        (
            'claim_journal.ClaimJournal.open',
            'claim.Claim._read_victims',
        ),
    ),
    ('claims', ('claim.Claim.make',)),
    ('verifies', ('attempt.Attempt.verify',)),
    ('sends a victim away', ('eviction.Eviction._send',)),
    ('confirms', ('attempt.Attempt.confirm',)),
    ('looks at the victims', ('attempt.Attempt.evict',)),
    ('answers', ('filter_scheduler.FilterScheduler._conclude',)),
    (
        'plans',
        (
            'pass_one._WatchedClient.get_allocation_candidates',
            'eligibility.preemptors',
            'snapshot.take',
            'pass_two._make_plan',
        ),
    ),
)


def phase_of(call):
    """Return what a scheduler is at that makes a call.

    :param call: a :class:`opie.tests.interruptions.wire.Call`.
    :raises AssertionError: if nobody has said.
    """
    if call.what == 'ANSWER':
        return 'answers'
    for phase, functions in _FUNCTIONS:
        if not set(functions).isdisjoint(call.path):
            return phase
    raise AssertionError(
        'Tell in %s what a crash before this call leaves behind, and in '
        'doc/source/protocol.rst who repairs it: %s' % (__file__, call)
    )
