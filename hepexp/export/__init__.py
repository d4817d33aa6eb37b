"""A trained network as one file for other programs, with the preparation of its inputs inside."""
