"""Searches over keys of a configuration, with Optuna."""
