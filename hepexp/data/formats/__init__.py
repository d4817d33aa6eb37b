"""The published file formats, one module a format: `read(path)` gives the examples of a file in a stream, checked."""
