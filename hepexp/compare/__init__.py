"""Many runs beside each other: seeds taken together, differences with errors, tables and figures for a paper."""
