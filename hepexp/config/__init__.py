"""Composition, validation and instantiation of configurations; never imports torch."""
