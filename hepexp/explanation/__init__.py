"""What a trained network has looked at: relevances of particles, nodes, pixels and features, and how good they are."""
