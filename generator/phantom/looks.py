"""Device families: how a machine sees, processes and frames the same patient."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """One family of panoramic machines and its image processing.

    about           one sentence for people
    field_mm        height of the patient's frame that the picture's height shows (150 is all of it)
    centre_y        y in mm of the patient's frame at the picture's middle
    black, white    optical depths shown as black and as white
    gamma           exponent of the look-up table between them; below 1 lifts the shadows
    shoulder        0…1, how softly the curve runs into white
    flatten         0…1, share of the broad brightness that the machine's equalisation takes out
    edge, edge_mm   strength and radius of the edge enhancement
    blur_mm         detector and motion blur (Gaussian sigma)
    dose            photons a square millimetre behind no absorber: the lower the noisier
    scatter         share of scattered radiation that veils the picture
    banding         strength of the vertical stripes of an uneven rotation
    border          "white" (frayed), "black" (a straight collimator's edge), "none", or "rounded"
    border_mm       its width
    marker          the burnt-in side letter, "R" or "L", or "" for none
    marker_style    "outline" or "solid"
    """

    about: str
    field_mm: float = 150.0
    centre_y: float = 75.0
    black: float = 0.17
    white: float = 1.04
    gamma: float = 1.0
    shoulder: float = 0.4
    flatten: float = 0.3
    edge: float = 0.5
    edge_mm: float = 0.6
    blur_mm: float = 0.29
    dose: float = 14_000.0
    scatter: float = 0.10
    banding: float = 0.004
    border: str = "none"
    border_mm: float = 0.0
    marker: str = ""
    marker_style: str = "outline"


LOOKS: dict[str, Look] = {
    "aria": Look(
        about="wide field, strongly equalised, frayed white border, an outlined L at the lower right",
        flatten=0.35, edge=0.4, border="white", border_mm=4.0, marker="L",
    ),
    "boreal": Look(
        about="narrow field, dark and hard, black collimator edge, an outlined R at the left",
        field_mm=112.0, centre_y=84.0, gamma=1.35, flatten=0.1, edge=0.25, border="black", border_mm=2.0, marker="R",
        dose=160_000.0,
    ),
}  # fmt: skip
