"""What readers of published files share: opening HDF5 and Parquet, images, checks, and one line for what is refused."""
