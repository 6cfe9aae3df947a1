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

"""What placement would propose for a request if some servers were gone.

``GET /allocation_candidates`` proposes allocations for a request, and cannot
leave out servers.  This package computes the same proposals from values, over
whole trees of providers.  A file stands below one that uses it::

    takings             how much of each victim a preemptor takes
      victims           which servers must go so that one is proposed
        proposals       all allocations that a request could be given
          combinations  one choice for each group of the request
            choices     what could serve one group
    query               reads a request from placement's query string
      asked             a request, group by group
    providers           the trees of providers

The words are placement's own.  An *anchor* is the root of a tree that a
proposal is made for: all that is proposed comes from this tree, or from
sharing providers that have an aggregate in common with it.  A *suffix* names a
group of the request; the group without a suffix may be spread over a tree.
"""
