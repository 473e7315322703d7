"""MassEstimate: how heavy one object is, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

from pavas_sdk.data._validation import not_negative, positive
from pavas_sdk.errors import PhysicsInputError

__all__ = ["MassEstimate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MassEstimate:
    """The mass of one object.

    Attributes:
        object_id: Which object.
        mass_kg: Kilograms, above 0.
        log_std: Standard deviation of ln(mass), or None when not estimated.
        source: Rung or method that gave it ("label", "size-prior", "user", "vlm").
        rationale: Why, in words, or None.
    """

    object_id: int
    mass_kg: float
    log_std: float | None = None
    source: str = ""
    rationale: str | None = None

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            PhysicsInputError: The mass is not finite and positive, or log_std is negative.
        """
        name = f"mass_kg of object {self.object_id}"
        mass_kg = positive(name, self.mass_kg, error=PhysicsInputError)
        object.__setattr__(self, "mass_kg", mass_kg)
        if self.log_std is not None:
            log_std = not_negative("log_std", self.log_std, error=PhysicsInputError)
            object.__setattr__(self, "log_std", log_std)
