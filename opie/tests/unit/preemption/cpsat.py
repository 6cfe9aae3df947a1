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


"""Finds the least cover with CP-SAT, a solver that shares no code with opie.

Keys are of 64 bits here, with their sum.
"""

from ortools.sat.python import cp_model


def least_cost(keys, holds, needs, most_items=None):
    """Return what the least cover costs.

    None if no cover has so few items.
    """
    model = cp_model.CpModel()
    taken = [model.new_bool_var('') for _ in keys]
    totals = [
        cp_model.LinearExpr.weighted_sum(taken, row)
        for row in zip(*holds, strict=True)
    ]
    for total, need in zip(totals, needs, strict=True):
        model.add(total >= need)
    if most_items is not None:
        model.add(sum(taken) <= most_items)
    model.minimize(cp_model.LinearExpr.weighted_sum(taken, keys))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    # Of 20 digits a tolerance of 1 in 10,000 is no proof.
    solver.parameters.relative_gap_limit = 0.0
    status = solver.solve(model)
    if most_items is not None and status == cp_model.INFEASIBLE:
        return None
    if status != cp_model.OPTIMAL:
        raise AssertionError('CP-SAT ends with %s' % solver.status_name())
    return sum(
        key
        for key, item in zip(keys, taken, strict=True)
        if solver.boolean_value(item)
    )
