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

"""``opie-manage``: shows and repairs preemptions for an operator.

The command reads nova.conf as nova-manage does.  It may run beside running
schedulers, because it repairs what their reapers would repair, and no earlier.
"""

import datetime
import json
import sys

_FORMATS = ('table', 'json')


def main():
    """Run a command and return its exit status."""
    # NOTE: nova/cmd/scheduler.py decides about eventlet as it is imported, so
    # that is the first import.
    import nova.cmd.scheduler

    # isort: split
    from nova import objects
    import nova.conf
    import nova.config
    from oslo_config import cfg
    from oslo_log import log as logging

    import opie.conf

    opie.conf.register_opts(nova.conf.CONF)
    nova.conf.CONF.register_cli_opt(
        cfg.SubCommandOpt('category', title='Commands', handler=_add_commands)
    )
    nova.config.parse_args(sys.argv)
    # Standard output is for what the command shows.
    cfg.CONF.set_default('use_stderr', True)
    logging.setup(nova.conf.CONF, 'nova')
    objects.register_all()
    try:
        failed = nova.conf.CONF.category.run(nova.conf.CONF.category)
    except Exception as error:
        failed = [_text('Failed', error)]
    for complaint in failed:
        print('opie-manage: %s' % complaint, file=sys.stderr)
    return 1 if failed else 0


def _add_commands(categories):
    category = categories.add_parser(
        'preemption', help='preemptions in flight'
    )
    actions = category.add_subparsers(dest='action', required=True)
    action = actions.add_parser(
        'list', help='show what is in flight, and what the reaper would do'
    )
    action.add_argument('-f', '--format', choices=_FORMATS, default='table')
    action.set_defaults(run=lambda args: show(args.format, sys.stdout))
    action = actions.add_parser(
        'repair',
        help='finish or undo what was interrupted, as the reaper does',
    )
    action.add_argument(
        '--dry-run', action='store_true', help='only say what would be done'
    )
    action.set_defaults(run=lambda args: repair(args.dry_run, sys.stdout))
    category = categories.add_parser('preemptible', help='preemptible servers')
    actions = category.add_subparsers(dest='action', required=True)
    action = actions.add_parser(
        'list', help='show all, and why they are no potential victims'
    )
    action.add_argument('-f', '--format', choices=_FORMATS, default='table')
    action.set_defaults(
        run=lambda args: show_preemptible(args.format, sys.stdout)
    )


def show(form, out):
    """Write which preemptions are in flight.

    :param form: one of table and json.
    :param out: a text stream.
    :returns: what went wrong, a text each.
    """
    found, failed = _findings(_reaper())
    _write(list(map(_row, found)), _table, form, out)
    return failed


def show_preemptible(form, out):
    """Write which servers are preemptible, and may be evicted.

    :param form, out: as for :func:`show`.
    :returns: what went wrong, a text each.
    """
    from opie.cmd import preemptible

    found, failed = preemptible.find()
    _write([one.row() for one in found], _table_of_servers, form, out)
    return failed


def _write(rows, table, form, out):
    if form == 'json':
        json.dump(rows, out, indent=2)
        out.write('\n')
    else:
        print(table(rows), file=out)


def repair(is_dry_run, out):
    """Repair what the reaper would repair, and write what that is.

    :param out: a text stream.
    :returns: what went wrong, a text each.
    """
    the_reaper = _reaper()
    due, failed = _repair_preemptions(the_reaper, is_dry_run, out)
    lost, failed_too = _repeat_deletions(the_reaper, is_dry_run, out)
    failed += failed_too
    if not (due or lost or failed):
        print('There is nothing to repair.', file=out)
    return failed


def _repair_preemptions(the_reaper, is_dry_run, out):
    """Repair preemptions; return (findings that are due, what went wrong)."""
    from opie.scheduler.repair import findings

    found, failed = _findings(the_reaper)
    due = [
        finding
        for finding in found
        if finding.repair is not findings.Repair.WAIT
    ]
    verb = 'Would repair' if is_dry_run else 'Repairing'
    for finding in due:
        name, repair = finding.preemption.name, finding.repair.value
        print('%s %s: %s' % (verb, name, repair), file=out)
    if due and not is_dry_run:
        failed += _repair(the_reaper, [one.preemption for one in due])
    return due, failed


def _repeat_deletions(the_reaper, is_dry_run, out):
    """Repeat lost deletions; return (uuids of their victims, what went wrong).

    A cell that does not answer hides the deletions that were lost there.
    """
    try:
        lost, silent = the_reaper.find_lost_deletions()
    except Exception as error:
        return [], [_text('Cannot find lost deletions', error)]
    failed = ['Cell %s does not answer' % cell for cell in silent]
    verb = 'Would repeat' if is_dry_run else 'Repeating'
    for uuid in sorted(lost):
        print('%s the deletion of %s' % (verb, uuid), file=out)
    if not is_dry_run:
        failed += [
            'The deletion of %s was not repeated: its compute is down, or '
            'another worker has just repeated it, or the log tells why' % uuid
            for uuid in sorted(lost.keys() - the_reaper.delete_again(lost))
        ]
    return sorted(lost), failed


def _reaper():
    from nova import servicegroup
    from nova.scheduler.client import report

    from opie.scheduler.placement import client as placement
    from opie.scheduler.repair import reaper

    placement.limit_waiting()
    return reaper.Reaper(
        placement.Client(report.report_client_singleton()),
        servicegroup.API(),
    )


def _findings(the_reaper):
    """Return (findings in order, a text for each that could not be made).

    A cell that does not answer hides what is in flight there, and no more.
    """
    found, failed = [], []
    try:
        preemptions = the_reaper.in_flight()
    except Exception as error:
        return [], [_text('Cannot see what is in flight', error)]
    for preemption in sorted(
        preemptions, key=lambda item: (item.deadline, item.name)
    ):
        try:
            found.append(the_reaper.finding(preemption))
        except Exception as error:
            failed.append(
                _text('Cannot read about %s' % preemption.name, error)
            )
    return found, failed


def _repair(the_reaper, preemptions):
    """Repair preemptions; return a text for each that is still there.

    The reaper reads each once more, because the repairs before it take time.
    """
    the_reaper.repair(preemptions)
    try:
        left = {item.journal_provider for item in the_reaper.in_flight()}
    except Exception as error:
        return [_text('Cannot see what is still in flight', error)]
    return [
        '%s is still in flight; the log tells why' % item.name
        for item in preemptions
        if item.journal_provider in left
    ]


def _text(what, error):
    return '%s: %s: %s' % (what, type(error).__name__, error)


def _row(finding):
    preemption = finding.preemption
    deadline = datetime.datetime.fromtimestamp(
        preemption.deadline, datetime.UTC
    )
    return {
        'preemptor': preemption.preemptor,
        'state': finding.fate.value,
        'has_claim': finding.has_claim,
        'victims_left': sorted(finding.entries),
        'deadline': deadline.isoformat(),
        'owner': preemption.scheduler_host,
        'project': preemption.project,
        'host_provider': preemption.nominated_provider,
        'journal_provider': preemption.journal_provider,
        'repair': finding.repair.value,
    }


def _table(rows):
    import prettytable

    table = prettytable.PrettyTable(
        ['Preemptor', 'State', 'Victims left', 'Deadline', 'Owner', 'Repair']
    )
    table.align = 'l'
    for row in rows:
        table.add_row(
            [
                row['preemptor'],
                row['state'],
                '\n'.join(row['victims_left']) or '(none)',
                row['deadline'],
                row['owner'],
                row['repair'],
            ]
        )
    return table


def _table_of_servers(rows):
    import prettytable

    table = prettytable.PrettyTable(
        ['Server', 'Host', 'Age', 'Cost', 'Why it is no potential victim']
    )
    table.align = 'l'
    for row in rows:
        age = row['age_seconds']
        table.add_row(
            [
                row['server'],
                row['host'],
                '' if age is None else datetime.timedelta(seconds=age),
                '%.1f' % row['cost'],
                row['reason'] or '(it is one)',
            ]
        )
    return table


if __name__ == '__main__':
    sys.exit(main())
