"""Evaluate the demo's synthetic pool and write what comes out into docs/evaluation.md.

python benchmarks/demo_evaluation.py [FOLDER OF AN EVALUATION THAT IS THERE ALREADY]
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
MARK = "<!-- demo: benchmarks/demo_evaluation.py writes what follows -->\n"
COMMAND = ["evaluate-pool", "demo-synthetic", "--against", "demo-real", "--offline", "--out"]


def main() -> None:
    if len(sys.argv) > 1:
        write(Path(sys.argv[1]), "")
        return
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "evaluation"
        subprocess.run([Path(sys.executable).with_name("flask"), *COMMAND, out], cwd=ROOT, check=True)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = used.ru_utime + used.ru_stime
        write(out, f" It took {seconds:.0f} s of processor time (user and system, all threads).")


def write(evaluation: Path, took: str) -> None:
    from generator.evaluate.results import table

    results = json.loads((evaluation / "results.json").read_text("utf-8"))
    pools = [
        json.loads((ROOT / "quiz_data/pools" / name / "pool.json").read_text())
        for name in ("demo-real", "demo-synthetic")
    ]
    generator = results["generators"][0]
    lines = [f"\n- `{pool['name']}`: {pool['about']}\n" for pool in pools]
    lines += [
        f"\n{results['real_images']} real and {generator['sizes']['synthetic HR']} synthetic images, seed "
        f"{results['seed']}; features of `{results['extractor']}`, so none of these is an FID, KID or "
        f"Inception score.{took}\n",
        "\n| measure | value (95 % interval) |\n|---|---|\n",
        *(f"| {label} | {values[0]} |\n" for label, values in table(results)),
        "\n![t-SNE of the two pools](images/evaluation-map.webp)\n",
        "\n![Where the machine observer looked](images/evaluation-attention.webp)\n",
    ]
    document = ROOT / "docs" / "evaluation.md"
    head = document.read_text("utf-8").split(MARK)[0]
    document.write_text(head + MARK + "".join(lines), "utf-8")
    for name, figure in (("map", "map"), ("attention", "attention-1")):
        with Image.open(evaluation / f"{figure}.png") as image:
            small = image.convert("RGB").resize((1080, image.height * 1080 // image.width), Image.Resampling.LANCZOS)
            small.save(ROOT / "docs" / "images" / f"evaluation-{name}.webp", quality=82)


if __name__ == "__main__":
    main()
