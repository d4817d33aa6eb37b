"""Searches over keys of a configuration, by Optuna."""
