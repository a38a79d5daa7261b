"""Importing the package, or any part of it, changes nothing but what Python has loaded."""

import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import vlmteach

ROOT = Path(__file__).resolve().parents[1]
EVERY = sorted(found.name for found in pkgutil.walk_packages(vlmteach.__path__, "vlmteach."))
# What the parts stand on. It may change a process as it likes, so it is there before we look.
BELOW = """
import ipywidgets, joblib, matplotlib.figure, matplotlib.font_manager, matplotlib.style, numpy, PIL.Image, PIL.ImageCms
import PIL.JpegImagePlugin, PIL.TiffImagePlugin, psutil, safetensors.torch, timm, torch, torchvision, tqdm.auto
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
"""
STATE = """
import atexit, locale, logging, os, pathlib, random, signal, sys, threading, warnings

def state():
    found = {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "files": sorted(map(str, pathlib.Path.cwd().parent.rglob("*"))),
        "hooks": [sys.excepthook, sys.displayhook, sys.unraisablehook, threading.excepthook, sys.stdout, sys.stderr],
        "at exit": atexit._ncallbacks(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "search path": list(sys.path),
        "warnings": list(warnings.filters),
        "logging": [
            (name, *told)
            for name, logger in [("root", logging.root), *sorted(logging.root.manager.loggerDict.items())]
            if isinstance(logger, logging.Logger)
            and any(told := (logger.level, logger.disabled, *logger.handlers, *logger.filters, not logger.propagate))
        ],
        "threads": [thread.name for thread in threading.enumerate()],
        "locale": locale.setlocale(locale.LC_ALL),
        "random": random.getstate(),
    }
    if "torch" in sys.modules:
        import matplotlib, numpy, torch
        found |= {
            "numpy": (numpy.random.get_state()[1].tolist(), numpy.geterr(), numpy.get_printoptions()["precision"]),
            "torch": (
                torch.get_rng_state().tolist(), torch.get_num_threads(), torch.get_num_interop_threads(),
                torch.get_default_dtype(), torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled(),
                torch.backends.cudnn.benchmark, torch.get_float32_matmul_precision(),
            ),
            "matplotlib": (dict(matplotlib.rcParams), sorted(matplotlib.style.available)),
            "IPython": (
                shell.custom_exceptions, shell.CustomTB,
                {kind: dict(one.type_printers) for kind, one in shell.display_formatter.formatters.items()},
                {event: list(heard) for event, heard in shell.events.callbacks.items()},
            ),
        }
    return found
"""
COMPARE = """
import importlib, json
changed = []
for names in {groups}:
    before = state()
    for name in names:
        importlib.import_module(name)
    after = state()
    changed.append([name for name in before if before[name] != after[name]])
print(json.dumps(changed))
"""
MEDDLING = """
import atexit, logging, os, random, sys, warnings
import matplotlib, numpy, torch
from IPython import get_ipython
os.environ["X"] = "x"
open("file", "w").close()
sys.excepthook = print
atexit.register(print)
sys.path.append("x")
warnings.simplefilter("ignore")
logging.getLogger("matplotlib").setLevel(1)
random.seed(0)
numpy.random.seed(0)
torch.set_default_dtype(torch.float64)
matplotlib.rcParams["font.size"] = 3
get_ipython().set_custom_exc((NameError,), print)
"""
SEEN = ["environment", "files", "hooks", "at exit", "search path", "warnings", "logging", "random"]


def changed_by(*groups: list[str], tmp_path: Path, first: str = "") -> list[list[str]]:
    """What importing each group of modules changes in a fresh process, whose home and working folder are empty."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "meddling.py").write_text(MEDDLING)
    environment = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    environment |= dict.fromkeys(["HOME", "TMPDIR", "TEMP", "TMP", "USERPROFILE"], str(tmp_path))
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(tmp_path)])
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    code = first + STATE + COMPARE.format(groups=groups)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=folder, capture_output=True, check=True, text=True
    )
    assert done.stderr.replace("Matplotlib is building the font cache; this may take a moment.\n", "") == ""
    return json.loads(done.stdout)


def test_importing_every_part_changes_nothing_and_a_change_of_any_kind_would_be_seen(tmp_path) -> None:
    assert len(EVERY) > 100
    changed = changed_by(["vlmteach", *EVERY], ["meddling"], tmp_path=tmp_path, first=BELOW)
    assert changed == [[], [*SEEN, "numpy", "torch", "matplotlib", "IPython"]]


def test_importing_the_package_alone_changes_nothing_and_loads_nothing_of_others(tmp_path) -> None:
    assert changed_by(["vlmteach"], tmp_path=tmp_path) == [[]]
    code = "import sys, vlmteach; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True, cwd=ROOT)
    assert {"torch", "numpy", "matplotlib", "IPython"} & set(done.stdout.split()) == set()
