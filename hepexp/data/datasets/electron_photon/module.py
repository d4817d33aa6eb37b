"""Electrons and photons in the CMS calorimeter: CMS Open Data, or a simulation of the same sample."""

from __future__ import annotations

from hepexp.data.datasets.electron_photon.info import CHANNELS, INFO
from hepexp.data.loading.image_datamodule import ImageDataModule


class ElectronPhoton(ImageDataModule):
    """Electrons (label 1) vs photons (label 0) of pT 50 GeV, as crops of 32 x 32 ECAL crystals: energy and time.

    Parameters
    ----------
    channels : image channels, one or both of `energy` and `time`, in the order wanted; null for both.
    crop : size in crystals of the central square to keep; null for all 32 x 32.

    References
    ----------
    M. Andrews, M. Paulini, S. Gleyzer, B. Poczos, arXiv:1807.11916.
    """

    info = INFO
    channel_names = CHANNELS
