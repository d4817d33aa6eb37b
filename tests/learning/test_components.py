from hepexp.config.compose import Composer
from hepexp.learning.components import build_components, cost


def parts_of(model):
    config = Composer([]).compose([f"model={model}", "dataset.source=mini", "dataset.n_train=64"])
    return build_components(config)


def test_operations_of_a_pfn_are_those_of_its_layers():
    components = parts_of("pfn")
    particles = int(components.data.typical_example().mask.sum())
    per_particle = 2 * (3 * 100 + 100 * 100 + 100 * 256)
    per_jet = 2 * (256 * 100 + 100 * 100 + 100 * 100 + 100 * 2)
    assert cost(components) == {"model/parameters": 82_458, "model/flops": particles * per_particle + per_jet}


def test_operations_of_lorentznet_are_mostly_those_of_its_pairs():
    components = parts_of("lorentznet")
    particles = int(components.data.typical_example().mask.sum())
    # two 72 x 72 products a pair and block, one in the last block
    pairs = particles**2 * 11 * 2 * 72 * 72
    counted = cost(components)
    assert counted["model/parameters"] == 227_096
    assert pairs < counted["model/flops"] < 1.3 * pairs


def test_operations_of_a_gcn_are_those_of_its_products_at_nodes():
    components = parts_of("gcn")
    example = components.data.typical_example()
    nodes, features = example.x.shape
    per_node = 2 * (features * 64 + 64 * 128 + 128 * 64)
    assert cost(components)["model/flops"] == nodes * per_node + 2 * (64 * 16 + 16 * 2)
