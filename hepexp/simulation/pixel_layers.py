"""The pixel layers of TrackML's detector, ACTS's generic one, by the numbers of their volume and layer."""

# from 0: barrel from the beam outwards, then the discs at negative and at positive z, each outwards
PIXEL_LAYERS = {
    **{(8, 2 * k + 2): k for k in range(4)},
    **{(7, 14 - 2 * k): 4 + k for k in range(7)},
    **{(9, 2 * k + 2): 11 + k for k in range(7)},
}
