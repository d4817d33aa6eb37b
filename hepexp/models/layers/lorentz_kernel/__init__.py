"""The fast form of `LorentzBlock`: the same equations, with gradients written by hand, in chunks that fit the cache."""
