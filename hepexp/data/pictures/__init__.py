"""What `hepexp data show` draws: mean image of each class, examples, and distributions, on one page."""
