import pytest

from hepexp.evaluation.rounding import number, with_error


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.87123, 0.00714, "0.8712 ± 0.0071"),
        (0.87123, 0.00996, "0.871 ± 0.010"),  # the error rounds up to the next power of ten
        (0.5, 0.1, "0.50 ± 0.10"),
        (47.85, 15.47, "48 ± 15"),
        (1234.5, 0.996, "1,234.5 ± 1.0"),
        (12345.6, 321.0, "12,350 ± 320"),
        (0.8466, 0.00063165, "0.84660 ± 0.00063"),
        (1.0, 0.0, "1 ± 0"),
        (-0.2, 14.0, "0 ± 14"),
        (10 / 3, 4.4e-16, "3.333 ± 0"),  # replicas that differ by rounding alone
        (2.99e-32, 9.04e-34, "3.0e-32 ± 9.0e-34"),
        (2.8318e27, 3e25, "2.8e+27 ± 3.0e+25"),
        (47.85, None, "47.85"),
        (None, None, "–"),
        (None, 0.1, "–"),
        (float("nan"), 0.1, "–"),
    ],
)
def test_the_error_has_two_digits_and_the_value_the_same_place(value, error, text):
    assert with_error(value, error) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (227096, "227,096"),
        (0.81279, "0.8128"),
        (0.888, "0.8880"),
        (79.1, "79.10"),
        (12345.6, "12,346"),
        (2.8318e27, "2.832e+27"),
        ("mini", "mini"),
        (float("nan"), "–"),
    ],
)
def test_numbers_without_an_error(value, text):
    assert number(value) == text
