"""The representations in which a model can take examples: particles, image, graph, features."""
