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
    level           optical depth to which the automatic exposure brings the picture's median
    gamma           exponent of the look-up table between them; below 1 lifts the shadows
    shoulder        0…1, how softly the curve runs into white
    flatten         0…1, share of the broad brightness that the machine's equalisation takes out
    edge, edge_mm   strength and radius of the edge enhancement
    blur_mm         detector and motion blur (Gaussian sigma)
    dose            photons a square millimetre behind no absorber: the lower the noisier
    scatter         share of scattered radiation that veils the picture
    banding         strength of the vertical stripes of an uneven rotation
    border          "white" (frayed by the equalisation), "black" (a straight collimator's edge), "rounded" (black,
                    with the round corners of a film cassette's window) or "none"
    border_mm       its width above and below
    border_side_mm  its width left and right
    seam            strength of the fixed stripe in the picture's middle, where the machine makes up for the spine
    marker          the burnt-in side letter, "R" or "L", or "" for none
    marker_style    "outline" or "solid"
    marker_at       the letter's upper left corner, as shares of the picture's width and height
    """

    about: str
    field_mm: float = 150.0
    centre_y: float = 75.0
    black: float = 0.15
    white: float = 1.04
    level: float = 0.58
    gamma: float = 1.0
    shoulder: float = 0.4
    flatten: float = 0.3
    edge: float = 0.5
    edge_mm: float = 0.6
    blur_mm: float = 0.24
    dose: float = 130_000.0
    scatter: float = 0.10
    banding: float = 0.004
    border: str = "none"
    border_mm: float = 0.0
    border_side_mm: tuple[float, float] = (0.0, 0.0)
    seam: float = 0.0
    marker: str = ""
    marker_style: str = "outline"
    marker_at: tuple[float, float] = (0.96, 0.86)


LOOKS: dict[str, Look] = {
    "wide": Look(
        about="wide field, strongly equalised, frayed white border, an outlined L at the lower right",
        black=0.20, white=0.965, level=0.522, shoulder=0.38, flatten=0.22, edge=0.35, edge_mm=0.43, blur_mm=0.18,
        dose=1_400_000.0, banding=0.001, border="white", border_mm=2.5, border_side_mm=(4.6, 3.5), seam=1.0, marker="L",
        marker_at=(0.963, 0.876),
    ),
    "narrow": Look(
        about="narrow field low on the face, dark and contrasty, black collimator edge, an outlined R at the left",
        field_mm=118.0, centre_y=88.0, black=0.10, white=1.22, gamma=1.2, flatten=0.12, edge=0.25, blur_mm=0.20,
        dose=90_000.0, border="black", border_mm=1.5, border_side_mm=(1.5, 1.5), marker="R", marker_at=(0.012, 0.64),
    ),
    "film": Look(
        about="digitised film: soft, grainy and grey, rounded cassette window, a solid lead L at the upper right",
        field_mm=140.0, centre_y=78.0, black=0.0, white=1.35, gamma=0.95, flatten=0.0, edge=0.0, blur_mm=0.42,
        dose=9_000.0, scatter=0.22, banding=0.002, border="rounded", border_mm=5.0, border_side_mm=(5.0, 5.0),
        marker="L", marker_style="solid", marker_at=(0.93, 0.10),
    ),
    "crisp": Look(
        about="sensor with hard edge enhancement and nearly flat tones, thin black frame, a solid R at the upper left",
        field_mm=132.0, centre_y=80.0, black=0.12, white=1.06, gamma=0.9, flatten=0.62, edge=1.3, edge_mm=0.9,
        blur_mm=0.20, dose=60_000.0, banding=0.006, border="black", border_mm=3.0, border_side_mm=(3.0, 3.0),
        marker="R", marker_style="solid", marker_at=(0.03, 0.07),
    ),
    "smooth": Look(
        about="low-noise sensor, light and gentle, neither border nor marker",
        field_mm=126.0, centre_y=79.0, black=-0.05, white=1.2, gamma=1.0, shoulder=0.8, flatten=0.2, edge=0.15,
        blur_mm=0.26, dose=250_000.0, banding=0.001,
    ),
}  # fmt: skip
