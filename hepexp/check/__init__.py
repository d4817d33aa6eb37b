"""Audits of a trained network, and of a data set: which transformations change what it says, and by how much."""
