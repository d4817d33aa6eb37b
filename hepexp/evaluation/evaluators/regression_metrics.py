"""Figures of regression: bias, resolution, response, pulls and coverage."""

from __future__ import annotations

from hepexp.metric import Metric

NO_RESPONSE = "the target is zero everywhere"
NEGATIVE = "the mean of (prediction - truth)^2 is negative, by examples with negative weights"

OF_REGRESSION: tuple[Metric, ...] = (
    Metric(
        "bias_{target}",
        "neither",
        "bias of {target}",
        "Mean of prediction - truth of {target}, in its unit.",
        range="any number; 0 is best",
    ),
    Metric(
        "rmse_{target}",
        "lower",
        "RMSE of {target}",
        "Square root of the mean of (prediction - truth)^2 of {target}, in its unit.",
        range=">= 0",
        undefined=NEGATIVE,
        each_epoch=False,
    ),
    Metric(
        "resolution_{target}",
        "lower",
        "resolution of {target}",
        "Half the width of the central 68 % of prediction - truth of {target}, in its unit.",
        range=">= 0",
    ),
    Metric(
        "response_{target}",
        "neither",
        "response of {target}",
        "Median of prediction / truth of {target}.",
        range="any number; 1 is best",
        undefined=NO_RESPONSE,
        each_epoch=False,
    ),
    Metric(
        "response_resolution_{target}",
        "lower",
        "response resolution of {target}",
        "Half the width of the central 68 % of prediction / truth of {target}, divided by the median.",
        range=">= 0",
        undefined=NO_RESPONSE,
        each_epoch=False,
    ),
    Metric(
        "pull_mean_{target}",
        "neither",
        "mean pull of {target}",
        "Mean of (prediction - truth) / sigma of {target}.",
        range="any number; 0 is best",
        each_epoch=False,
    ),
    Metric(
        "pull_width_{target}",
        "neither",
        "pull width of {target}",
        "Half the width of the central 68 % of (prediction - truth) / sigma of {target}.",
        range=">= 0; 1 if sigma is right",
        each_epoch=False,
    ),
    Metric(
        "within_sigma_{target}",
        "neither",
        "within sigma, {target}",
        "Fraction of examples with |prediction - truth| < sigma of {target}.",
        range="0 to 1; 0.683 if sigma is right",
        each_epoch=False,
    ),
    Metric(
        "coverage_{quantile}_{target}",
        "neither",
        "coverage of q={quantile}, {target}",
        "Fraction of examples whose true {target} is below the predicted quantile {quantile}.",
        range="0 to 1; the quantile itself if it is right",
        each_epoch=False,
    ),
    Metric(
        "relative_error_{percent}_{target}",
        "lower",
        "{percent} % relative error, {target}",
        "Quantile, {percent} %, of |exp(prediction - truth) - 1|: the relative error of what {target} is the "
        "logarithm of.",
        range=">= 0",
        each_epoch=False,
    ),
    Metric(
        "compared_bias_{target}",
        "neither",
        "bias of {target}, compared",
        "As bias_{target}, of the observer that loss.compare_with names in place of the prediction.",
        range="any number; 0 is best",
        each_epoch=False,
    ),
    Metric(
        "compared_rmse_{target}",
        "lower",
        "RMSE of {target}, compared",
        "As rmse_{target}, of the observer that loss.compare_with names in place of the prediction.",
        range=">= 0",
        undefined=NEGATIVE,
        each_epoch=False,
    ),
    Metric(
        "compared_resolution_{target}",
        "lower",
        "resolution of {target}, compared",
        "As resolution_{target}, of the observer that loss.compare_with names in place of the prediction.",
        range=">= 0",
        each_epoch=False,
    ),
    Metric(
        "compared_response_{target}",
        "neither",
        "response of {target}, compared",
        "As response_{target}, of the observer that loss.compare_with names in place of the prediction.",
        range="any number; 1 is best",
        undefined=NO_RESPONSE,
        each_epoch=False,
    ),
    Metric(
        "compared_response_resolution_{target}",
        "lower",
        "response resolution of {target}, compared",
        "As response_resolution_{target}, of the observer that loss.compare_with names in place of the prediction.",
        range=">= 0",
        undefined=NO_RESPONSE,
        each_epoch=False,
    ),
)
