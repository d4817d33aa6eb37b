"""Many runs side by side: means over seeds, differences with errors, tables and figures for a paper."""
