"""Images of quark and gluon jets in the CMS detector."""

from __future__ import annotations

from pathlib import Path

from hepexp.data.check import check_images
from hepexp.data.collection import Collection
from hepexp.data.layouts import QG_IMAGES
from hepexp.data.pictures.image_view import ImageView
from hepexp.data.pictures.view import Channel
from hepexp.data.published import Part, PublishedFile
from hepexp.data.summary import image_values

CLASSES = ("gluon", "quark")
CHANNELS = ("tracks", "ecal", "hcal")
_DRAWN = tuple(Channel(name, "as published") for name in CHANNELS)
CELL = 0.0174  # size of a pixel in pseudorapidity and in azimuth (radians)
_HDF5 = "quark-gluon_data-set_n139306.hdf5"
_PARQUET = "QCDToGGQQ_IMGjet_RH1all_jet0_run{}_n{}.test.snappy.parquet"

COLLECTION = Collection(
    name="qg_images",
    about="images of quark (1) and gluon (0) jets in CMS, pT 90-170 GeV, |eta| < 1.57: tracks, ECAL, HCAL, 125 x 125",
    noun="image",
    classes=CLASSES,
    layout=QG_IMAGES,
    units="energy of each non-zero pixel, scaled as published; pt and m0 of the jet in GeV",
    cite="M. Andrews et al., arXiv:1902.08276; CMS Open Data",
    licence="CC0 (CMS Open Data)",
    size="139,306 images: one HDF5 file of 0.7 GB, or three Parquet files",
    published_at="CERNBox shares of ML4SCI (ml4sci.org), linked from its project descriptions",
    forms=(
        (Part(_HDF5.removesuffix(".hdf5"), (PublishedFile(_HDF5),), n=139_306),),
        tuple(
            Part(f"run{run}", (PublishedFile(_PARQUET.format(run, n)),), n=n)
            for run, n in enumerate((36_272, 47_540, 55_494))
        ),
    ),
    readers={
        ".hdf5": "hepexp.data.formats.image_hdf5:read_qg_images",
        ".h5": "hepexp.data.formats.image_hdf5:read_qg_images",
        ".parquet": "hepexp.data.formats.image_parquet:read",
    },
    check=check_images(CLASSES, QG_IMAGES),
    values=image_values(QG_IMAGES.shape, _DRAWN, pt="GeV", m0="GeV"),
    view=ImageView(
        QG_IMAGES.shape,
        _DRAWN,
        (r"$\Delta\eta$", r"$\Delta\phi$ [rad]"),
        CELL,
    ),
    generator="hepexp.data.generate.qg_images",
    mini=Path(__file__).parents[1] / "mini" / "qg_images.parquet",
)
