"""Images of quark and gluon jets in the CMS detector."""

from __future__ import annotations

from pathlib import Path

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store import limits
from hepexp.data.store.check import check_images
from hepexp.data.store.images import images
from hepexp.data.store.limits import Limits

LAYOUT = images(3, 125, 125, Limits(0, limits.MOST_ENERGY), pt=limits.ENERGY, m0=limits.MASS)  # of the jet, GeV


CLASSES = ("gluon", "quark")
CHANNELS = ("tracks", "ecal", "hcal")
CELL = 0.0174  # size of a pixel in pseudorapidity and in azimuth (radians)
_HDF5 = "quark-gluon_data-set_n139306.hdf5"
_PARQUET = "QCDToGGQQ_IMGjet_RH1all_jet0_run{}_n{}.test.snappy.parquet"

INFO = DatasetInfo(
    name="qg_images",
    about="images of quark (1) and gluon (0) jets in CMS, pT 90-170 GeV, |eta| < 1.57: tracks, ECAL, HCAL, 125 x 125",
    noun="image",
    classes=CLASSES,
    layout=LAYOUT,
    units="energy of each non-zero pixel, scaled as published; pt and m0 of the jet in GeV",
    cite="M. Andrews et al., arXiv:1902.08276; CMS Open Data",
    licence="CC0 (CMS Open Data)",
    size="139,306 images: one HDF5 file of 0.7 GB, or three Parquet files",
    published_at="CERNBox shares of ML4SCI (ml4sci.org), linked from its project descriptions",
    releases=(
        (Part(_HDF5.removesuffix(".hdf5"), (PublishedFile(_HDF5),), n=139_306),),
        tuple(
            Part(f"run{run}", (PublishedFile(_PARQUET.format(run, n)),), n=n)
            for run, n in enumerate((36_272, 47_540, 55_494))
        ),
    ),
    readers={
        ".hdf5": "hepexp.data.datasets.qg_images.reader:read_hdf5",
        ".h5": "hepexp.data.datasets.qg_images.reader:read_hdf5",
        ".parquet": "hepexp.data.datasets.qg_images.reader:read_parquet",
    },
    check=check_images(CLASSES, LAYOUT),
    generator="hepexp.data.datasets.qg_images.generate",
    mini=Path(__file__).with_name("qg_images.parquet"),
)
