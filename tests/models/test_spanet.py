"""SPANet commutes with permutations of the jets and knows no order of the quarks; chi^2 of known masses."""

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.models.chi2_assignment import Chi2Assignment
from hepexp.models.layers.jet_triplets import triplets
from hepexp.models.spanet import SPANet
from tests import jets


def small(**keys) -> SPANet:
    torch.manual_seed(0)
    keys = {"n_hidden": 8, "n_embedding": 2, "n_encoder": 1, "n_branch": 1, "n_daughter": 1, "n_heads": 2} | keys
    return SPANet(**keys, n_scalars=8).double().eval()


def test_parameters_of_the_published_size():
    # embedding 6, 16, 32, 64 and seven of 64: 112 + 544 + 2,112 + 7 x 4,160, norms and slopes 3 x (16 + 32 + 8 x 64);
    # 6 + 2 x 3 blocks of 49,984; two tops with 2 x 4,352 and 3 x 4,160 + 64^3
    embedding = 112 + 544 + 2_112 + 7 * 4_160 + 3 * (16 + 32 + 8 * 64)
    expected = embedding + 12 * 49_984 + 2 * (2 * 4_352 + 3 * 4_160 + 64**3)
    assert sum(p.numel() for p in SPANet(n_scalars=1).parameters()) == expected == 1_200_032


def test_commutes_with_permutations_and_ignores_padding():
    batch = jets.random_jets(3, n_min=7, n_max=7)
    model, order = small(), torch.tensor([3, 1, 6, 0, 5, 2, 4])
    with torch.no_grad():
        before, possible = model(batch), triplets(batch.mask)
        batch.p4, batch.scalars = batch.p4[:, order], batch.scalars[:, order]
        after = model(batch)
    before = torch.where(possible[:, None], before, 0)
    before = before + before.transpose(2, 3)  # of i < j and of i > j
    moved = before[:, :, order][:, :, :, order][..., order]
    torch.testing.assert_close(torch.where(possible[:, None], after, 0), torch.where(possible[:, None], moved, 0))
    longer = jets.random_jets(3, n_min=7, n_max=7)
    padded = type(longer)(
        longer.label,
        longer.index,
        longer.extras,
        p4=torch.cat([longer.p4, torch.zeros_like(longer.p4[:, :2])], 1),
        scalars=torch.cat([longer.scalars, torch.zeros_like(longer.scalars[:, :2])], 1),
        mask=torch.cat([longer.mask, torch.zeros_like(longer.mask[:, :2])], 1),
    )
    with torch.no_grad():
        wide = model(padded)[:, :, :7, :7, :7]
    allowed = possible[:, None].expand_as(wide)
    torch.testing.assert_close(wide[allowed], model(longer).detach()[allowed])


def test_all_triplets_are_of_three_different_jets():
    mask = torch.tensor([[True] * 6 + [False] * 2, [True, True] + [False] * 6])
    found = triplets(mask)
    assert found.flatten(1).sum(1).tolist() == [15 * 4, 0]  # pairs of six jets times the other four


def test_chi2_is_lowest_for_the_jets_of_a_top():
    # a top at rest: the bottom quark against a W of 80 GeV that decays across its flight; and two more jets
    m_w, m_top = 80.0, 173.0
    p = (m_top**2 - m_w**2) / (2 * m_top)
    boost = torch.tensor([(p**2 + m_w**2) ** 0.5, 0, 0, p], dtype=torch.float64)
    quarks = torch.stack([boost / 2, boost / 2])
    quarks[0, 1], quarks[1, 1] = m_w / 2, -m_w / 2
    bottom = torch.tensor([[p, 0, 0, -p]], dtype=torch.float64)
    others = torch.tensor([[50.0, 30, 40, 0], [60.0, -36, 48, 0]], dtype=torch.float64)
    batch = jets.random_jets(1, n_min=5, n_max=5)
    batch.p4 = torch.cat([others, bottom, quarks])[None]
    batch.scalars = torch.tensor([0.0, 0, 1, 0, 0])[None, :, None]
    model = Chi2Assignment(m_w=m_w, m_top=m_top, n_scalars=1)
    logits = model(batch)[0, 0]
    assert float(logits[3, 4, 2]) == pytest.approx(0, abs=1e-8)
    assert int(logits.argmax()) == (3 * 5 + 4) * 5 + 2
    # a jet of the W that is tagged, and a bottom quark that is not
    batch.scalars = torch.tensor([0.0, 0, 0, 1, 0])[None, :, None]
    assert float(model(batch)[0, 0, 3, 4, 2]) == pytest.approx(-model.tag_penalty)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SPANet(n_hidden=10, n_scalars=1), r"model.n_hidden must be a multiple of model.n_heads = 4, got 10"),
        (lambda: SPANet(n_encoder=-1, n_scalars=1), r"model.n_encoder must be >= 0, got -1"),
        (lambda: Chi2Assignment(s_w=0.0, n_scalars=1), r"model.s_w must be > 0, got 0.0"),
        (lambda: Chi2Assignment(n_scalars=0), r"model.tag_penalty needs a b-tag of each jet"),
    ],
)
def test_absurd_values_are_one_line(build, message):
    with pytest.raises(ConfigError, match=message):
        build()
