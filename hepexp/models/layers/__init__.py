"""Layers that several models share.

A layer is written plainly, as in its paper. A fast form has a folder beside it, is chosen by a key of the model
(`model.kernel=fused|plain` for LorentzNet), and is tested to be equal to the plain form in float64.
"""
