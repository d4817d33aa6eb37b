"""Random views of examples: physical transformations of a batch, for losses that compare two of them."""
