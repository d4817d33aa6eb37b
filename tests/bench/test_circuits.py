from hepexp.bench import circuits


def test_every_case_is_measured_for_both(monkeypatch):
    monkeypatch.setattr(circuits, "CASES", {name: (size, 32) for name, (size, _) in circuits.CASES.items()})
    found = circuits.rows(["q4_l3_b4096", "phi_e_b16384"], repeats=1)
    assert [(row["case"], row["implementation"]) for row in found] == [
        (case, name) for case in ("q4_l3_b4096", "phi_e_b16384") for name in ("hepexp", "pennylane")
    ]
    assert all(row["per_second"] > 0 for row in found)
