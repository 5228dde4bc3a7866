"""The methods of a study's analysis as paragraphs for a paper, with numbered references."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import version

from .agreement import REPLICATES
from .estimate import counted
from .results import StudyResults

REFERENCES = {
    "wilson": "E. B. Wilson. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc "
    "22:209–212, 1927.",
    "newcombe": "R. G. Newcombe. Interval estimation for the difference between independent proportions: comparison of "
    "eleven methods. Stat Med 17:873–890, 1998.",
    "clopper": "C. J. Clopper, E. S. Pearson. The use of confidence or fiducial limits illustrated in the case of the "
    "binomial. Biometrika 26:404–413, 1934.",
    "bamber": "D. Bamber. The area above the ordinal dominance graph and the area below the receiver operating "
    "characteristic graph. J Math Psychol 12:387–415, 1975.",
    "delong": "E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson. Comparing the areas under two or more correlated "
    "receiver operating characteristic curves: a nonparametric approach. Biometrics 44:837–845, 1988.",
    "green": "D. M. Green, J. A. Swets. Signal Detection Theory and Psychophysics. Wiley, New York, 1966.",
    "gourevitch": "V. Gourevitch, E. Galanter. A significance test for one parameter isosensitivity functions. "
    "Psychometrika 32:25–33, 1967.",
    "macmillan": "N. A. Macmillan, H. L. Kaplan. Detection theory analysis of group data: estimating sensitivity from "
    "average hit and false-alarm rates. Psychol Bull 98:185–199, 1985.",
    "obuchowski": "N. A. Obuchowski, H. E. Rockette. Hypothesis testing of diagnostic accuracy for multiple readers "
    "and multiple tests: an ANOVA approach with dependent observations. Commun Stat Simul Comput 24:285–308, 1995.",
    "hillis": "S. L. Hillis. A comparison of denominator degrees of freedom methods for multiple observer ROC "
    "analysis. Stat Med 26:596–619, 2007.",
    "fleiss": "J. L. Fleiss. Measuring nominal scale agreement among many raters. Psychol Bull 76:378–382, 1971.",
    "krippendorff": "K. Krippendorff. Content Analysis: An Introduction to Its Methodology, 2nd ed. Sage, Thousand "
    "Oaks, 2004.",
    "cohen": "J. Cohen. Weighted kappa: nominal scale agreement with provision for scaled disagreement or partial "
    "credit. Psychol Bull 70:213–220, 1968.",
    "owen": "A. B. Owen. The pigeonhole bootstrap. Ann Appl Stat 1:386–411, 2007.",
    "conover": "W. J. Conover. Practical Nonparametric Statistics, 3rd ed. Wiley, New York, 1999.",
    "matthews": "J. N. S. Matthews, D. G. Altman, M. J. Campbell, P. Royston. Analysis of serial measurements in "
    "medical research. BMJ 300:230–235, 1990.",
    "bonett": "D. G. Bonett, T. A. Wright. Sample size requirements for estimating Pearson, Kendall and Spearman "
    "correlations. Psychometrika 65:23–28, 2000.",
}
CITATION = re.compile(r"\[(\w+)\]")


def methods(results: StudyResults, about: Mapping) -> tuple[list[str], list[str]]:
    """(paragraphs, references) of a study with answers; "[1]" in a paragraph is the first reference. `about` is what
    `report.report_files` takes. Only what these results hold is told."""
    texts = [_design(results, about), _shares(), _areas(results), _rest(results)]
    keys = list(dict.fromkeys(key for text in texts for key in CITATION.findall(text)))
    paragraphs = [CITATION.sub(lambda found: f"[{keys.index(found[1]) + 1}]", text) for text in texts]
    return paragraphs, [REFERENCES[key] for key in keys]


def _were(n: int, what: str) -> str:
    return f"{counted(n, what)} {'was' if n == 1 else 'were'}"


def _design(results: StudyResults, about: Mapping) -> str:
    synthetic = int(results.scored.image_is_synthetic().sum())
    real = len(results.scored.images) - synthetic
    order = ", in an order drawn anew for each observer," if about["order"] == "random" else ""
    sentences = [
        f"{counted(len(results.observers), 'observer')} rated {real} real and {synthetic} synthetic panoramic "
        f"radiographs{order} on a five-level scale (definitely real, probably real, unsure, probably fake, definitely "
        f"fake); {_were(results.everyone.confusion.answered, 'rating')} analysed."
    ]
    if about["simulated"]:
        sentences.append(f"{_were(about['simulated'], 'observer')} simulated.")
    if about["viewing_seconds"]:
        sentences.append(f"Each image was on screen for at most {about['viewing_seconds']:g} s.")
    if results.scored.repeats:
        sentences.append("Second showings of an image served intra-observer agreement only.")
    return " ".join([*sentences, "Synthetic was the positive class."])


def _shares() -> str:
    return (
        "Sensitivity, specificity, precision and accuracy are given with Wilson score intervals [wilson], F1 with the "
        "Wilson interval of TP / (TP + FP + FN), of which it is a function, and balanced accuracy with an interval "
        "combined from those of sensitivity and specificity by square-and-add [newcombe]. Unsure was left out; in "
        "sensitivity analyses it was counted as wrong and as half right. Right answers of single observers were "
        "compared with guessing by the two-sided exact binomial test [clopper]. Means over observers weigh each "
        "observer the same and have Student's t intervals over observers. The sensitivity index d′ and the criterion c "
        "follow the equal-variance normal model [green], with intervals after Gourevitch and Galanter [gourevitch]; "
        "Unsure was left out, and rates of 0 and 1 were replaced by 1/(2N) and 1 − 1/(2N) [macmillan]. Calibration is "
        "the share of synthetic images at each rating and the share of right calls at each certainty, with Wilson "
        "intervals."
    )


def _areas(results: StudyResults) -> str:
    text = (
        "Receiver operating characteristic (ROC) curves are empirical, over the five levels in their order; the area "
        "under the curve (AUC) is the trapezoidal one, with ties counted ½ [bamber]. AUCs of single observers have "
        "DeLong intervals [delong]."
    )
    analysis = results.mrmc["jackknife"] if results.mrmc else None
    if analysis is None or not analysis.treatments or analysis.readers < 2:
        return f"{text} A multi-reader multi-case analysis was not possible."
    left_out = len(results.observers) - analysis.readers
    text += (
        f" The mean AUC of {analysis.readers} observers over {analysis.cases} images has intervals for random readers "
        "and random cases, for fixed readers and for fixed cases after Obuchowski and Rockette [obuchowski], with the "
        "degrees of freedom of Hillis [hillis]; covariances are those of the jackknife over cases and, for comparison, "
        "DeLong's. Intervals of areas and shares are cut at 0 and 1."
    )
    if left_out:
        text += f" {_were(left_out, 'observer')} left out of it and of all means over observers: sessions not finished."
    if analysis.left_out:
        text += f" {_were(analysis.left_out, 'image')} left out of it, not rated by all of them; none was imputed."
    return (
        f"{text} Intervals of all observers' answers taken together treat answers as independent and are too narrow; "
        "they describe, and do not replace, the multi-reader analysis."
    )


def _rest(results: StudyResults) -> str:
    sentences = []
    if len(results.observers) > 1:
        finished = len(results.mrmc_observers)
        who = f"the {finished} observers who had finished" if 1 < finished < len(results.observers) else "observers"
        sentences.append(
            f"Agreement between {who} is given as Fleiss' kappa [fleiss], Krippendorff's alpha, nominal and ordinal "
            "[krippendorff], and Cohen's kappa with quadratic weights for pairs [cohen]; intervals are percentiles of "
            f"{REPLICATES} bootstrap samples of observers and of images [owen], from a fixed seed."
        )
    if results.intra_observer:
        sentences.append("Intra-observer agreement rests on images shown twice.")
    if results.everyone.seconds.value is not None:
        sentences.append("Response times are medians with distribution-free intervals [conover].")
    sentences += [
        "Drift over the session is the mean over observers of each one's least-squares slope [matthews], with "
        "Student's t interval.",
        "The relation of accuracy and experience is described by Spearman's correlation over observers [bonett].",
        "All intervals are 95 % intervals; p-values are two-sided; no correction for multiple comparisons was made.",
        f"Computed with PanoDiff Quiz on NumPy {version('numpy')} and SciPy {version('scipy')}.",
    ]
    return " ".join(sentences)
