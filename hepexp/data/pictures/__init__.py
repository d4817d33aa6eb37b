"""The figures of `hepexp data show`: the mean image of each class, examples, and distributions, on one page."""
