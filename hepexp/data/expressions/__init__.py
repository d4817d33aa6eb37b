"""Expressions of columns, such as `log(part_pt)` or `abs(jet_eta) < 2 & count(part_pt) > 3`.

An expression is parsed into a tree of the nodes below and computed with NumPy. Python never evaluates it, and only the
functions listed here can be called. It may hold

- names of columns: letters, digits, `_` and `.`, with `[i]` for one place of a fixed last axis. Any other name stands
  in backquotes: `` `m(j1,j2)` ``;
- numbers and `pi`;
- `+ - * / **`, comparisons, which may be chained, and `&` `|` `~` (or `and` `or` `not`) of conditions;
- functions of each value, and `sum mean max min count any all` over the particles of an example.

A column with one value per example has that value for each of its particles where the two meet. Numbers are computed
in double precision; the column itself keeps its type. A mean, maximum or minimum of no particles is NaN.
"""
