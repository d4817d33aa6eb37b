"""The files of each data set, one module each, with a `COLLECTION`; they import nothing heavy."""
