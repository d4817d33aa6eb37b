"""Distances between a generated and a true sample."""
