"""Write 09_rate_distortion.json: what the figure of chapter 9 that answers needs of the ten networks of the chapter.

    python tutorials/explorables/09_data.py

This runs the whole chapter, so that the numbers are the chapter's own.
"""

import base64
import json
import pathlib
import runpy

from npvae.figures.explorer.networks import dense_layers, quantized

HERE = pathlib.Path(__file__).parent
IMAGES = 40


def rounded(array):
    return [[round(float(v), 3) for v in row] for row in array]


def described(beta, point):
    """Return one network as JSON can hold it."""
    layers = []
    for layer in dense_layers(point["model"].decoder):
        q, scale = quantized(layer.W, 8)
        layers.append({
            "q": base64.b64encode(q.tobytes()).decode(),
            "scale": [float(f"{s:.4g}") for s in scale], "b": [float(f"{b:.4g}") for b in layer.b],
        })  # fmt: skip
    return {
        "beta": beta, "R": round(float(point["R"]), 3), "D": round(float(point["D"]), 2),
        "width": round(float(point["width"]), 4), "mu": rounded(point["mu"][:IMAGES]),
        "sigma": rounded(point["sigma"][:IMAGES]), "decoder": layers,
    }  # fmt: skip


def main():
    swept = runpy.run_path(str(HERE.parent / "09_what_the_kl_is_for.py"))["swept"]
    found = [described(beta, point) for beta, point in swept.items()]
    (HERE / "09_rate_distortion.json").write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
