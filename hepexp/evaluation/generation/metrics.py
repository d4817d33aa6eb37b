"""The figures of generators."""

from __future__ import annotations

from hepexp.metric import Metric

GENERATION_METRICS = (
    Metric(
        "w1",
        "lower",
        "mean W1 / spread",
        "Mean Wasserstein-1 distance of the observables that select the best epoch, in units of their true "
        "standard deviation, between generated examples and validation.",
        range=">= 0",
        recorded=False,
    ),
    Metric(
        "w1_{observable}",
        "lower",
        "W1 ({observable})",
        "Wasserstein-1 distance of the distribution of the observable {observable} between generated and test "
        "examples, averaged over its components (for jets: W1M, W1P and W1EFP of arXiv:2106.11535).",
        range=">= 0",
        error="standard deviation over bootstrap replicas of both samples",
        column=True,
        each_epoch=False,
        values=("mass", "particle", "efp"),
        floor="Wasserstein-1 distance of the observable {observable} between two samples of the truth: what a perfect "
        "generator would have.",
    ),
    Metric(
        "separation_{observable}",
        "lower",
        "separation ({observable})",
        "Separation power of the observable {observable} between generated and test examples, averaged over its "
        "components: half the sum over bins of (h - h')^2 / (h + h'), histograms of unit sum.",
        range="0 to 1",
        error="standard deviation over bootstrap replicas of both samples",
        each_epoch=False,
        values=("response", "share", "width_x", "mass"),
        floor="Separation power of the observable {observable} between two samples of the truth: what a perfect "
        "generator would have.",
    ),
    Metric(
        "mean_{observable}",
        "neither",
        "mean {observable}",
        "Mean of the observable {observable} of generated examples; response is the energy in all cells over that "
        "of the particle, imbalance what hadrons miss of the momentum of their cluster, over its energy; atom_stable "
        "and molecule_stable are the shares of atoms, and of molecules, whose bonds add up to the valences of their "
        "elements (arXiv:2203.17003).",
        range="that of the observable",
        error="standard error of the mean",
        each_epoch=False,
        values=("response", "imbalance", "atom_stable", "molecule_stable"),
    ),
    Metric(
        "mean_{observable}_truth",
        "neither",
        "mean {observable}, truth",
        "Mean of the observable {observable} of test examples.",
        range="that of the observable",
        error="standard error of the mean",
        each_epoch=False,
        values=("response", "imbalance", "atom_stable", "molecule_stable"),
    ),
    Metric(
        "isotropy_{moment}",
        "neither",
        "isotropy ({moment})",
        "Probability that isotropic directions deviate more than the generated ones: dipole by Rayleigh's test, "
        "3 n |mean|^2 against a chi-squared of 3, quadrupole by Bingham's, 15/2 n tr (T - 1/3)^2 against one of 5.",
        range="0 to 1; uniform for isotropic directions",
        no_error="a probability",
        each_epoch=False,
        values=("dipole", "quadrupole"),
    ),
    Metric(
        "isotropy_{moment}_truth",
        "neither",
        "isotropy ({moment}), truth",
        "Probability that isotropic directions deviate more than those of the test examples.",
        range="0 to 1; uniform for isotropic directions",
        no_error="a probability",
        each_epoch=False,
        values=("dipole", "quadrupole"),
    ),
    Metric(
        "classifier_auc_{level}",
        "lower",
        "classifier AUC ({level})",
        "AUC of a classifier between generated and test examples, on examples that it has not seen; low level: all "
        "cells, high level: quantities of the layers (arXiv:2410.21611).",
        range="0 to 1; about 0.5 for equal distributions",
        error="standard deviation over bootstrap replicas of the examples that the classifier is tested on",
        undefined="too few examples, or evaluation.classifier_epochs=0",
        each_epoch=False,
        column=True,
        values=("low", "high"),
        floor="AUC of the same classifier between two samples of the truth: what a perfect generator would have.",
    ),
    Metric(
        "fpd",
        "lower",
        "FPD",
        "Frechet physics distance of the features of the data set (for jets 36 energy flow polynomials), "
        "extrapolated from batches to infinitely many examples, as by the package jetnet (arXiv:2211.10295).",
        range=">= 0; that of the truth for equal distributions",
        error="standard deviation over bootstrap replicas of both samples",
        each_epoch=False,
        floor="Frechet physics distance between two samples of the truth: what a perfect generator would have.",
    ),
    Metric(
        "kpd",
        "lower",
        "KPD",
        "Kernel physics distance: squared maximum mean discrepancy of the same features, kernel (1 + x.y / F)^4, "
        "median over batches, as by the package jetnet (arXiv:2211.10295).",
        range="that of the truth for equal distributions",
        error="half the width of the central 68 % of batches",
        each_epoch=False,
        floor="Kernel physics distance between two samples of the truth: what a perfect generator would have.",
    ),
    Metric(
        "fpnd_{kind}",
        "lower",
        "FPND ({kind})",
        "Frechet distance of generated jets from those of JetNet in the activations of a published ParticleNet "
        "(arXiv:2106.11535); biased upwards by less the more jets there are, 50,000 in the literature.",
        range=">= 0",
        error="standard deviation over bootstrap replicas of the generated examples",
        undefined="the files of jetnet are not installed, or jets are not of 30 particles",
        each_epoch=False,
        values=("gluon", "quark", "top"),
    ),
    Metric(
        "fpnd_{kind}_truth",
        "lower",
        "FPND ({kind}), truth",
        "The same distance of as many test examples: how faithful their simulation is to JetNet's, and the best that a "
        "generator trained on it can reach.",
        range=">= 0",
        error="standard deviation over bootstrap replicas of the test examples",
        undefined="the files of jetnet are not installed, or jets are not of 30 particles",
        each_epoch=False,
        values=("gluon", "quark", "top"),
    ),
    Metric(
        "cov",
        "higher",
        "COV",
        "Coverage: fraction of 100 true examples that are the nearest one, by the energy mover's distance, of any "
        "of 100 generated ones (arXiv:2106.11535).",
        range="0 to 1",
        error="error of the mean over batches",
        undefined="POT is not installed",
        each_epoch=False,
        floor="Coverage of 100 true examples by 100 others: what a perfect generator would have.",
    ),
    Metric(
        "mmd",
        "lower",
        "MMD",
        "Minimum matching distance: mean energy mover's distance of 100 true examples from the nearest of 100 "
        "generated ones (arXiv:2106.11535).",
        range=">= 0",
        error="error of the mean over batches",
        undefined="POT is not installed",
        each_epoch=False,
        floor="Minimum matching distance of 100 true examples from 100 others: what a perfect generator would have.",
    ),
    Metric(
        "samples",
        "neither",
        "generated examples",
        "Number of generated examples that are compared with the test split, evaluation.n_samples.",
        range=">= 1",
        no_error="a count",
        whole=True,
        each_epoch=False,
    ),
    Metric(
        "model/generation_{size}",
        "lower",
        "ms/example, batch {size}",
        "Time to generate an example on the device of the run, in batches of {size}.",
        range=">= 0",
        no_error="a median of several passes",
        values=("1", "1000"),
    ),
)
