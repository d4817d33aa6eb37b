"""Any file of columns opened as a stream: ROOT trees, HDF5, Parquet and Arrow, NumPy, whatever the columns are called.

Files come from strangers: nothing in them is executed, links to other files are not followed, and memory is bounded by
the rows that are read at once.
"""
