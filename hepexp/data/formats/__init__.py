"""The published file formats, one module each: `read(path)` yields the checked examples of a file as a stream."""
