"""Exact squared matrix elements and phase space, in batches and with gradients."""
