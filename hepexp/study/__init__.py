"""Studies: many runs described by one file, with one table and one figure."""
