"""Options of `model` that tests over all models leave out or treat apart, and their own tests see to."""

NO_DATA = {
    "fixed_circuits",
    "heat_bath",
    "hmc",
    "lattice_factorised",
    "lattice_phi4",
    "lattice_u1",
    "lattice_u1_conditional",
    "monotone_maps",
    "random_circuits",
    "spline_flow",
    "top_mass",
}
OF_ELEMENTS = {
    "acts_ckf",
    "chi2_assignment",
    "chi2_vertexing",
    "hgpflow",
    "interaction_network",
    "mlpf",
    "particle_flow_baseline",
    "set2graph",
    "spanet",
    "track_hopfield",
}  # say of each, or of pairs, what it is
OF_CLOUDS = {"egnn", "epic_fm", "epic_gan"}  # generate particles, or atoms
OF_SHOWERS = {"calo_flow_matching", "calogan"}  # generate cells, for the energy of a particle
OF_DECAYS = {"feature_fm", "hadron_gan"}  # generate features, under conditions
NO_STEPS = {"boosted_trees"}  # grown, without gradients
