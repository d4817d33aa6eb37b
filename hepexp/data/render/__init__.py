"""The forms in which a model may read examples: particles, image, graph, features."""
