"""Transforms: the steps from the columns of a store to those that a representation needs, such as four-momenta."""
