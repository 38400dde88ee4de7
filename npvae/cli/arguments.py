"""The options of every command. Those of `npvae train` come from the tables in training/settings.py."""

import argparse

from .. import __version__
from ..bench import bench
from ..bench.contenders import PEERS
from ..errors import UserError
from ..training.settings import MAY_CHANGE, MODELS, SETTINGS
from ..training.values import Name, count, count_or_0, real


class Parser(argparse.ArgumentParser):
    """An argument parser that reports each error in one sentence."""

    def error(self, message):
        raise UserError(f"{message}; see {self.prog} --help")


LEARN = {
    "init": "make a folder with all exercises",
    "list": "list all exercises, and how far you are",
    "predict": "answer a question before you write the code",
    "check": "say whether an exercise is right, or what is wrong (default: the next one)",
    "watch": "check a file whenever you save it",
    "hint": "show one more hint with each call (default: for the next exercise)",
    "reset": "restore the original file, and keep yours under another name",
}
TEACH = {
    "grade": "for teachers: mark the submissions of a class",
    "kit": "for teachers: write files for Gradescope, GitHub, nbgrader and others",
    "contract": "for teachers: check exercises of your own, promise by promise",
}


def default_of(name):
    """Return a setting's default as text, and the models whose default differs, or the few that have the setting."""
    by_model = {model: kind.defaults[name] for model, kind in MODELS.items() if name in kind.defaults}
    usual = by_model.get("vae", next(iter(by_model.values())))
    words = ["default " + as_text(usual)] if usual is not None else []
    words += [f"{as_text(value)} for {model}" for model, value in by_model.items() if value != usual]
    if len(by_model) < 3 or "vae" not in by_model:
        words.append(f"only {', '.join(by_model)}")
    return ", ".join(words) or "default none"


def as_text(value):
    """Return a default as you would type it."""
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def models_help():
    """Return the list of models that ends `npvae train --help`."""
    lines = [f"  {name:<10} {kind.idea}, {kind.steps or 'no'} steps" for name, kind in MODELS.items()]
    return "\n".join(["models, and how many steps they take by default:", *lines])


def build_parser():
    """Return the parser of the whole command line."""
    parser = Parser(prog="npvae", description="Variational autoencoders in plain NumPy.")
    parser.add_argument("--version", action="version", version=f"npvae {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    may_change = ", ".join(f"--{name.replace('_', '-')}" for name in MAY_CHANGE)
    train = commands.add_parser(
        "train", help="train a model, evaluate it, and draw what it has learned",
        formatter_class=argparse.RawDescriptionHelpFormatter, epilog=models_help(),
    )  # fmt: skip
    train.add_argument("--resume", action="store_true", help=f"continue the run in the folder; {may_change} may change")
    train.add_argument("--out", metavar="RUN", help="the folder of the run (default runs/DATA or runs/MODEL-DATA)")
    train.add_argument("--steps", type=count, help="total steps, including those before --resume (default: see below)")
    train.add_argument(
        "--film", action="store_true", help="with --latent-dim 2: write film.gif, the plane of codes as it forms"
    )
    train.add_argument("--model", help=f"{', '.join(MODELS)} (default vae)")
    for name, setting in SETTINGS.items():
        option, nargs = f"--{name.replace('_', '-')}", "+" if setting.is_list else None
        names = f": {', '.join(setting.read.table)}" if isinstance(setting.read, Name) else ""
        text = f"{setting.help}{names} ({default_of(name)})"
        train.add_argument(option, type=setting.read, metavar=setting.metavar, nargs=nargs, help=text)

    moved = "where the run's data is now (default: npvae looks in the old place, and beside the run)"
    evaluate_ = commands.add_parser("evaluate", help="measure a trained model on the test set")
    evaluate_.add_argument("run", metavar="RUN", help="the folder of the run")
    evaluate_.add_argument("--data", metavar="DATA", help=moved)
    evaluate_.add_argument(
        "--importance-samples", type=count, metavar="K", help="samples of z for ln p(x) of each example (default 100)"
    )
    evaluate_.add_argument(
        "--refine", type=count, metavar="STEPS", help="measure the amortization gap: fit each q separately"
    )

    draw = commands.add_parser("draw", help="redraw the figures of a run")
    draw.add_argument("run", metavar="RUN", help="the folder of the run")
    draw.add_argument("--data", metavar="DATA", help=moved)
    draw.add_argument("--out", metavar="FOLDER", help="where to write the figures (default: the folder of the run)")
    draw.add_argument(
        "--between", type=count_or_0, nargs=2, metavar=("I", "J"), help="only the interpolation from test image I to J"
    )
    draw.add_argument("--label", type=int, metavar="L", help="only samples with this label, from a conditional model")
    draw.add_argument(
        "--steps", type=count, metavar="N",
        help="the steps of that interpolation, both ends included; if N is even, the midpoint is added (default 11)",
    )  # fmt: skip

    explore = commands.add_parser("explore", help="write a page on which you move through the latent space")
    explore.add_argument("run", metavar="RUN", nargs="+", help="the folder of a run; or several on the same data")
    explore.add_argument("--data", metavar="DATA", help=moved)
    explore.add_argument("--out", metavar="PAGE.html", help="the file to write (default RUN/explorer.html)")
    explore.add_argument("--force", action="store_true", help="replace the file if it exists")

    export = commands.add_parser("export", help="write the model as a program of PyTorch or JAX, or as ONNX files")
    export.add_argument("run", metavar="RUN", help="the folder of the run")
    export.add_argument("--to", choices=["torch", "jax", "onnx"], required=True, help="the library")
    export.add_argument("--data", metavar="DATA", help=moved)
    export.add_argument("--out", metavar="FOLDER", help="the folder to write (default RUN-LIBRARY)")

    taken = commands.add_parser("import", help="make a run of the weights that an exported program saved")
    taken.add_argument("file", metavar="FILE", help="the weights: .safetensors, or .pt, .pth, .ckpt of PyTorch")
    taken.add_argument("run", metavar="RUN", help="a run of the same layers, whose settings the new one gets")
    taken.add_argument("--data", metavar="DATA", help=moved)
    taken.add_argument("--out", metavar="FOLDER", help="the folder of the new run (default RUN-imported)")

    encode = commands.add_parser("encode", help="write the codes of a data set to an .npz file")
    encode.add_argument("run", metavar="RUN", help="the folder of the run")
    encode.add_argument("--out", metavar="PATH.npz", required=True, help="the file to write")
    encode.add_argument("--data", metavar="DATA", help="the data set to encode (default: that of the run)")

    experiment = commands.add_parser("experiment", help="repeat a measurement that the project quotes")
    experiment.add_argument("name", nargs="?", metavar="NAME", help="the experiment (default: list them)")
    experiment.add_argument("--out", metavar="FOLDER", help="for networks, table, figures (default experiments/NAME)")
    experiment.add_argument("--full", action="store_true", help="train as long as the publication, which takes days")

    bench_ = commands.add_parser("bench", help="time training steps side by side with other libraries")
    what = f"what to measure: {', '.join(bench.NAMES)} (default: all but the last two)"
    bench_.add_argument("names", nargs="*", metavar="NAME", help=what)
    bench_.add_argument(
        "--against", nargs="+", metavar="PEER", help=f"after the NAMEs: {', '.join(PEERS)} (default: all installed)"
    )
    bench_.add_argument("--threads", type=count, metavar="N", help="for each library (default 2; 1 on a single core)")
    bench_.add_argument(
        "--seconds", type=real, default=4.0, metavar="S", help="to time each library, for at least 24 steps (default 4)"
    )
    bench_.add_argument("--json", metavar="FILE", help="write all numbers to this file")
    bench_.add_argument("--out", default=".", metavar="FOLDER", help="for the figure of growth (default: this folder)")

    learn = commands.add_parser("learn", help="the exercises: write the parts of a VAE, and learn from mistakes")
    learn.add_argument("--with", dest="own", metavar="FOLDER", help="add your own exercises from this folder")
    actions = learn.add_subparsers(dest="action", metavar="ACTION", parser_class=Parser)
    for action, text in (LEARN | TEACH).items():
        one = actions.add_parser(action, help=text)
        if action == "init":
            one.add_argument("path", metavar="DIR", help="a new folder")
            variant = "a variant of your own: any text, such as your student number"
            one.add_argument("--seed", metavar="TEXT", default="", help=variant)
        elif action == "grade":
            add_grade(one)
        elif action == "kit":
            one.add_argument("path", metavar="DIR", help="a new folder")
            add_worth(one)
        elif action == "contract":
            one.add_argument("own", metavar="FOLDER", help="a folder with exercises of your own, such as huber.py")
        elif action != "list":
            nargs = "?" if action in ("check", "watch", "hint") else None
            one.add_argument("name", metavar="NAME", nargs=nargs, help="the exercise, by name or number")
        if action == "predict":
            one.add_argument("answer", metavar="ANSWER", nargs="?", help="the number of a choice (default: npvae asks)")

    gradcheck = commands.add_parser("gradcheck", help="check every derivative against finite differences")
    gradcheck.add_argument("operation", nargs="?", metavar="OP", help="an operation, layer or bound (default: all)")

    data = commands.add_parser("data", help="list the data sets on this computer, or fetch a missing one")
    data.add_argument("name", nargs="?", metavar="NAME", help="check this one, and fetch it if it is missing")
    return parser


def add_grade(grade):
    """Add the arguments of `npvae learn grade`."""
    grade.add_argument(
        "folders", metavar="FOLDER", nargs="+", help="holds a folder, or zip archive for each student"
    )
    grade.add_argument("--out", metavar="GRADES", default="grades", help="for marks and feedback (default grades)")
    add_worth(grade)
    grade.add_argument("--due", metavar="TIME", help='flag newer submissions as late, as in "2026-11-30 23:59"')
    grade.add_argument("--csv", metavar="FILE", help="write a row for each student, a column for each exercise")
    grade.add_argument("--json", metavar="FILE", help="write everything, for programs")
    grade.add_argument("--summary", metavar="FILE", help="draw a figure: results by exercise, mistakes, hints")
    grade.add_argument("--again", action="store_true", help="discard earlier marks, and draw new test inputs")


def add_worth(action):
    """Add the arguments that say which exercises count, and for how much."""
    action.add_argument("--exercises", metavar="NAME", nargs="+", help="the exercises that count (default: all)")
    action.add_argument(
        "--points", metavar="NAME=P", nargs="+", default=(), help="what these exercises are worth (default 1 each)"
    )
