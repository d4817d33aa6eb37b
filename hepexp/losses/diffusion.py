"""Diffusion: a network learns the noise in noised examples, and examples are made by taking it off step by step."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.batch import Batch, DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.generation import GenerationEvaluator
from hepexp.losses.content import centred, content, mean_over_entries, real, require_field, with_content
from hepexp.losses.noise_schedule import polynomial_schedule
from hepexp.losses.objective import Objective

MOST_LEVELS = 100_000


class Diffusion(Objective):
    """Mean squared error of the noise that a network finds in an example x noised to a level t = 0 ... T.

        z_t = alpha_t x + sigma_t noise,    alpha_t^2 + sigma_t^2 = 1,    L = E |noise - e(z_t, t/T)|^2

    with t uniform and the noise standard normal; padding does not count. Of an example alpha_t^2 = (1 - 2 s) f^2 + s is
    left, f = 1 - (t/T)^2: nearly all at t = 0, nearly nothing at T. A network that has learnt nothing has the loss 1.

    In what follows for the example, (z_t - sigma_t e) / alpha_t, errors of the noise are magnified by 1 / alpha_t,
    up to 316. With `predicts: velocity` the network finds v = alpha_t noise - sigma_t x, L = E |v - f(z_t, t/T)|^2,
    of which e = sigma_t z_t + alpha_t f and the example alpha_t z_t - sigma_t f follow without division.

    Examples should have variance 1, as the noise. Any model that reads clouds, images or features can learn it that
    takes (batch, t/T) and returns what the batch holds of the examples, as with loss=flow_matching.

    Where the first features of a point are coordinates of which only differences mean anything, as the data set says,
    their noise and what the network finds of it have zero mean over the points, and so has what is generated.

    Examples are generated from noise at t = T. `ancestral` draws z_u at a lower level u given z_t,

        N(z_t / a - v e / (a sigma_t), v sigma_u^2 / sigma_t^2), a = alpha_t / alpha_u, v = sigma_t^2 - a^2 sigma_u^2,

    and the example given z_0 as N((z_0 - sigma_0 e) / alpha_0, sigma_0^2 / alpha_0^2). `ddim` adds no noise,

        z_u = alpha_u (z_t - sigma_t e) / alpha_t + sigma_u e,

    and needs fewer steps. In validation levels and noise are the same in each epoch.

    Parameters
    ----------
    n_levels : T.
    precision : s.
    predicts : what the network finds, noise or velocity.
    sampler : ancestral or ddim.
    steps : between noise and data, T at most; one more evaluation of the network makes the example of z_0.
    val_steps : after each epoch, when fewer do.

    Raises
    ------
    ConfigError : values out of range; from `prepare`, a model that finds no noise.

    References
    ----------
    J. Ho, A. Jain, P. Abbeel, arXiv:2006.11239; E. Hoogeboom et al., arXiv:2203.17003, section 3 and appendix B;
    J. Song, C. Meng, S. Ermon, arXiv:2010.02502, equation 12 with sigma_t = 0; T. Salimans, J. Ho, arXiv:2202.00512,
    appendix D (velocity).
    """

    evaluator: GenerationEvaluator
    monitor = ("val/w1", "min")
    generates = True
    alpha: Tensor  # (T + 1,) float64
    sigma: Tensor

    def __init__(
        self,
        n_levels: int = 1000,
        precision: float = 1e-5,
        predicts: Literal["noise", "velocity"] = "noise",
        sampler: Literal["ancestral", "ddim"] = "ancestral",
        steps: int = 1000,
        val_steps: int = 50,
    ):
        super().__init__()
        if not 1 <= n_levels <= MOST_LEVELS:
            raise ConfigError(f"loss.n_levels must be from 1 to {MOST_LEVELS:,}, got {n_levels}")
        if not 1e-12 <= precision <= 0.1:
            raise ConfigError(f"loss.precision must be from 1e-12 to 0.1, got {precision}")
        if predicts not in ("noise", "velocity"):
            raise ConfigError(f"loss.predicts must be noise or velocity, got {predicts!r}")
        if sampler not in ("ancestral", "ddim"):
            raise ConfigError(f"loss.sampler must be ancestral or ddim, got {sampler!r}")
        for key, value in (("steps", steps), ("val_steps", val_steps)):
            if not 1 <= value <= n_levels:
                raise ConfigError(f"loss.{key} must be from 1 to loss.n_levels={n_levels}, got {value}")
        self.n_levels, self.predicts = n_levels, predicts
        self.sampler, self.steps, self.val_steps = sampler, steps, val_steps
        alpha2 = polynomial_schedule(n_levels, precision)
        self.register_buffer("alpha", alpha2.sqrt(), persistent=False)
        self.register_buffer("sigma", (1 - alpha2).sqrt(), persistent=False)
        self.n_coordinates = 0
        self.evaluator = GenerationEvaluator()

    def prepare(self, model: nn.Module, example: Batch, spec: DataSpec) -> None:
        self.n_coordinates = spec.n_coordinates
        require_field(model, example, "loss=diffusion needs a model that finds noise, one of (batch, t)")
        if getattr(model, "stages", ()):
            raise ConfigError(
                f"loss=diffusion makes all features at once, {type(model).__name__} makes them in stages: choose "
                "loss=flow_matching"
            )

    def noised(self, x: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """z_t of examples x (B, ...), each at its own level t (B,)."""
        alpha, sigma = self._scales(level, x)
        return alpha * x + sigma * noise

    def terms(self, model: nn.Module, batch: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        x = content(batch)
        random = None if self.training else torch.Generator().manual_seed(len(x))
        noise = self._noise(batch, random)
        level = torch.randint(self.n_levels + 1, (len(x),), generator=random).to(x.device)
        found = self._output(model, batch, self.noised(x, noise, level), level)
        alpha, sigma = self._scales(level, x)
        wanted = noise if self.predicts == "noise" else alpha * noise - sigma * x
        each = mean_over_entries((found - wanted).square(), batch)  # (B,)
        return {"loss": each.mean()}, {} if self.training else {"loss": each.detach()}

    def generate(self, model: nn.Module, batch: Batch, random: torch.Generator, quick: bool = False) -> Batch:
        z = self._noise(batch, random)
        n = min(self.val_steps, self.steps) if quick else self.steps
        levels = torch.linspace(self.n_levels, 0, n + 1, dtype=torch.float64).round().long().tolist()
        for t, u in pairwise(levels):
            noise = self._noise(batch, random) if self.sampler == "ancestral" else None
            z = self._step(z, self._found(model, batch, z, _at(t, z)), t, u, noise)
        alpha, sigma = self.alpha[0].item(), self.sigma[0].item()
        x = (z - sigma * self._found(model, batch, z, _at(0, z))) / alpha
        if self.sampler == "ancestral":
            x = x + sigma / alpha * self._noise(batch, random)
        return with_content(batch, x)

    def _step(self, z: Tensor, found: Tensor, t: int, u: int, noise: Tensor | None) -> Tensor:
        """z at the level u from that at t."""
        (alpha_t, alpha_u), (sigma_t, sigma_u) = self.alpha[[t, u]].tolist(), self.sigma[[t, u]].tolist()
        a = alpha_t / alpha_u
        if noise is None:
            return z / a + (sigma_u - sigma_t / a) * found
        v = sigma_t**2 - a**2 * sigma_u**2
        return z / a - v / (a * sigma_t) * found + v**0.5 * sigma_u / sigma_t * noise

    def _noise(self, batch: Batch, random: torch.Generator | None) -> Tensor:
        """Standard normal noise, zero for padding, of zero mean for coordinates."""
        x = content(batch)
        noise = torch.randn(x.shape, generator=random, dtype=x.dtype).to(x.device) * real(batch)
        return centred(noise, batch, self.n_coordinates)

    def _found(self, model: nn.Module, batch: Batch, z: Tensor, level: Tensor) -> Tensor:
        """The noise that a network finds in z."""
        found = self._output(model, batch, z, level)
        if self.predicts == "noise":
            return found
        alpha, sigma = self._scales(level, z)
        return (sigma * z + alpha * found) * real(batch)

    def _scales(self, level: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """alpha_t and sigma_t for examples x (B, ...), each at its own level (B,)."""
        alpha, sigma = (of[level].to(x.dtype).reshape(-1, *(1,) * (x.ndim - 1)) for of in (self.alpha, self.sigma))
        return alpha, sigma

    def _output(self, model: nn.Module, batch: Batch, z: Tensor, level: Tensor) -> Tensor:
        found = model(with_content(batch, z), (level / self.n_levels).to(z.dtype))
        return centred(found, batch, self.n_coordinates)


def _at(level: int, z: Tensor) -> Tensor:
    return torch.full((len(z),), level, device=z.device)
