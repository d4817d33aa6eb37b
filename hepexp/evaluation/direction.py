"""Whether less or more of a metric is better, told by its name."""

_SMALL_IS_GOOD = ("loss", "nll", "mse", "error", "_err", "seconds", "parameters", "flops")


def small_is_good(metric: str) -> bool:
    """Whether less is better, as of losses, errors and costs."""
    return any(word in metric for word in _SMALL_IS_GOOD)
