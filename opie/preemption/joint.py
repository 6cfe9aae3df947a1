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

"""How to spread several preemptors over hosts at the least cost together."""


def cheapest_split(offers, number):
    """Choose at most one offer of each host that take all preemptors.

    Exact, in time proportional to offers times preemptors.

    :param offers: :class:`offers.Offer` values in any order.
    :param number: how many preemptors are to be placed.
    :returns: a list of offers, or None if they cannot take so many.
    """
    by_host = {}
    for offer in offers:
        by_host.setdefault(offer.provider, []).append(offer)
    # How many are placed, to the least rank of it and to the offers taken.
    best = {0: (0, ())}
    for _, of_host in sorted(by_host.items()):
        extended = dict(best)
        for placed, (rank, taken) in best.items():
            for offer in of_host:
                total = placed + offer.number
                if total > number:
                    continue
                candidate = rank + offer.rank, (*taken, offer)
                if total not in extended or candidate[0] < extended[total][0]:
                    extended[total] = candidate
        best = extended
    return list(best[number][1]) if number in best else None
