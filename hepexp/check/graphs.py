"""Nodes and edges of graphs that are lost."""

from __future__ import annotations

from hepexp.check.check import Check
from hepexp.data.views.graph_views import EdgeDropping, NodeDropping

CHECKS = (
    Check("node_drop", "nodes lost", NodeDropping, (0.02, 0.05, 0.1, 0.2), "share of nodes", "graph", behind=True),
    Check("edge_drop", "edges lost", EdgeDropping, (0.05, 0.1, 0.2, 0.5), "share of edges", "graph", behind=True),
)
