"""Figures of a run, from its predictions or its history alone: they can be redrawn without the model."""

from hepexp.evaluation.plots.amplitudes import amplitudes
from hepexp.evaluation.plots.anomaly import anomaly
from hepexp.evaluation.plots.assignment import assigned_masses, assignment_efficiency
from hepexp.evaluation.plots.background_mass import background_mass
from hepexp.evaluation.plots.chain import autocorrelation, chain_history, chain_observables, coupling_scan, log_weights
from hepexp.evaluation.plots.channel_images import prior_samples, reconstructions
from hepexp.evaluation.plots.conformal import conformal_coverage
from hepexp.evaluation.plots.confusion import confusion_counts, confusion_matrix
from hepexp.evaluation.plots.embedding import embedding_map
from hepexp.evaluation.plots.expressibility import expressibility, fidelities
from hepexp.evaluation.plots.groups import groups_by_size
from hepexp.evaluation.plots.importance_sampling import sampled, weights
from hepexp.evaluation.plots.latent_plane import angle_error, latent_plane
from hepexp.evaluation.plots.learning import learning_curves
from hepexp.evaluation.plots.mass_scan import mass_scan
from hepexp.evaluation.plots.observable import observable
from hepexp.evaluation.plots.particle_flow import (
    flow_display,
    jets_and_missing,
    particle_efficiency,
    particle_response,
    tower_shares,
)
from hepexp.evaluation.plots.reconstruction import energy_response, image_rows, kl_per_dimension
from hepexp.evaluation.plots.regression import (
    prediction_against_truth,
    pull,
    residuals,
    residuals_against_truth,
    response_against_truth,
)
from hepexp.evaluation.plots.rejection import roc
from hepexp.evaluation.plots.reliability import reliability
from hepexp.evaluation.plots.renormalisation import flow_densities, flow_divergences, flow_variances
from hepexp.evaluation.plots.samples import samples
from hepexp.evaluation.plots.score import score_histogram
from hepexp.evaluation.plots.showers import showers
from hepexp.evaluation.plots.significance import significance_improvement
from hepexp.evaluation.plots.symmetry import generators, metric, structure_constants, transformed_vectors
from hepexp.evaluation.plots.template import template
from hepexp.evaluation.plots.tracks import edge_scores, track_display, track_efficiency, track_multiplicity
from hepexp.evaluation.plots.turn_on import turn_on
from hepexp.evaluation.plots.uncertainty import uncertainty
from hepexp.evaluation.plots.unseen import unseen
from hepexp.evaluation.plots.vector_fields import oracle_along_flows, vector_fields

__all__ = [
    "amplitudes",
    "angle_error",
    "anomaly",
    "assigned_masses",
    "assignment_efficiency",
    "autocorrelation",
    "background_mass",
    "chain_history",
    "chain_observables",
    "conformal_coverage",
    "confusion_counts",
    "confusion_matrix",
    "coupling_scan",
    "edge_scores",
    "embedding_map",
    "energy_response",
    "expressibility",
    "fidelities",
    "flow_densities",
    "flow_display",
    "flow_divergences",
    "flow_variances",
    "generators",
    "groups_by_size",
    "image_rows",
    "jets_and_missing",
    "kl_per_dimension",
    "latent_plane",
    "learning_curves",
    "log_weights",
    "mass_scan",
    "metric",
    "observable",
    "oracle_along_flows",
    "particle_efficiency",
    "particle_response",
    "prediction_against_truth",
    "prior_samples",
    "pull",
    "reconstructions",
    "reliability",
    "residuals",
    "residuals_against_truth",
    "response_against_truth",
    "roc",
    "sampled",
    "samples",
    "score_histogram",
    "showers",
    "significance_improvement",
    "structure_constants",
    "template",
    "tower_shares",
    "track_display",
    "track_efficiency",
    "track_multiplicity",
    "transformed_vectors",
    "turn_on",
    "uncertainty",
    "unseen",
    "vector_fields",
    "weights",
]
