"""A student who has torch can run everything in nn: nothing else is imported, neither at once nor when it is used."""

import subprocess
import sys

# Runs in a fresh interpreter. What torch needs itself may be loaded; whatever nn adds to it must be this package.
USE_EVERYTHING = """
import sys
import torch, torch.fx
before = set(sys.modules)
import importlib, pkgutil
import vlmteach.nn as parts
modules = [importlib.import_module(found.name) for found in pkgutil.walk_packages(parts.__path__, "vlmteach.nn.")]
imported = {name.partition(".")[0] for name in set(sys.modules) - before}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        frame = sys._getframe(1)
        while frame.f_globals["__name__"].startswith("importlib"):
            frame = frame.f_back
        ours = frame.f_globals["__name__"].startswith("vlmteach")
        if ours and name.partition(".")[0] not in {"vlmteach", "torch", *sys.stdlib_module_names}:
            raise ImportError(f"nn asked for {name} while it was used")
sys.meta_path.insert(0, Refuse())

image, boxes = torch.rand(2, 3, 16, 24), torch.tensor([[[0.0, 0, 8, 8], [4, 4, 16, 24]]] * 2)
cnn = parts.ConvNet(8, (1,))
vit = parts.VisionTransformer((16, 24), 8, 8, depth=1, num_heads=2, registers=1)
hybrid = parts.ConvStemViT((16, 24), 8, 8, depth=1, num_heads=2, positions="sincos")
regions = parts.RegionEncoder(cnn, 8, 8, stride=8)
drop = parts.DropPrefixTokens()
visual = [cnn(image), drop(vit(image)), drop(hybrid(image)), regions(image, boxes)]
text = torch.rand(2, 3, 12)
read = parts.Projector(8, 12)
resampler = parts.PerceiverResampler(8, latents=2, depth=1, num_heads=2)
meetings = [
    parts.Connect(torch.nn.Sequential(parts.NormTokens(8), parts.AddPositions(), read), parts.Prefix()),
    parts.CrossAttentionConnector(8, 12, num_heads=2), parts.GatedCrossAttention(8, 12, num_heads=2),
    parts.SingleStream(8, 12, depth=1, num_heads=2), parts.DualEncoderHead(8, 12, 4),
    parts.Connect(parts.QFormer(8, 8, 12, queries=2, depth=2, num_heads=2), parts.Prefix()),
    parts.Connect(torch.nn.Sequential(resampler, parts.MeanPool(), read), parts.Prefix()),
    *(parts.VectorFusion(8, 12, kind=kind) for kind in ("concat", "hadamard", "film")),
]
for seen in visual:
    for meeting in meetings:
        meeting(seen, text)
parts.SpaceToDepth(2)(cnn(torch.rand(1, 3, 16, 32)))
parts.AttentionPool(8, num_heads=2, height=2, width=3)(visual[0])
parts.Rope2d(8)(torch.rand(2, 6, 8), torch.arange(6), torch.arange(6))
parts.resample_positions(torch.rand(1, 6, 8), (2, 3), (4, 4))
parts.unpatchify(parts.patchify(image, 8), 16, 24, 8)
tokenizer = parts.WordTokenizer(["<pad>", "is", "red", "?"])
language_model = parts.LanguageModel(tokenizer, 12, depth=1, num_heads=2, context=4)
vlm = parts.VisionLanguageModel(cnn, meetings[0], language_model).eval()
vlm.answer(image[0], "is red ?")
torch.fx.symbolic_trace(vlm)(image, torch.ones(2, 1, 3, dtype=torch.int64))
tiny = importlib.import_module("vlmteach.nn.tiny_vlm")
language_model = tiny.LanguageModel(4, 12, depth=1, num_heads=2, context=3)
page = tiny.TinyVLM(tiny.ConvNet(8, 1), tiny.projector(8, 12), tiny.CrossAttention(12, 2), language_model)
words, answers = torch.tensor([[[1, 2, 3]]]), torch.tensor([[2]])
for _ in tiny.train(page, lambda step: (torch.rand(1, 3, 16, 16), words, answers), steps=2, rate=1e-3):
    pass
print(len(modules), *sorted(imported - {"vlmteach", "torch"} - set(sys.stdlib_module_names)))
"""


def test_nn_needs_torch_and_nothing_else_even_when_all_of_it_is_used():
    run = subprocess.run([sys.executable, "-c", USE_EVERYTHING], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    count, *others = run.stdout.split()
    assert int(count) > 15
    assert others == []
