"""The smallest real VLM with its trained weights, from the hub, for one answer about one picture."""

from __future__ import annotations

import torch
from torch import Tensor

from vlmteach.backbones.real_vlms.build import import_transformers, quiet
from vlmteach.backbones.weights import WeightsMissing
from vlmteach.nn.checks import check_picture

REPOSITORY = "HuggingFaceTB/SmolVLM-256M-Instruct"
SIZE, LICENCE = "513 MB", "Apache 2.0"  # of its model.safetensors, as the hub's list of files says, and of its card


def ask_smolvlm(picture: Tensor, question: str, words: int = 40) -> str:
    """What SmolVLM-256M answers about a picture (3, H, W) in [0, 1]; its size and licence are printed first.

    Raises TransformersMissing without the library, WeightsMissing when the hub cannot be reached.
    """
    check_picture(picture[None])
    library = import_transformers()
    print(f"{REPOSITORY}: {SIZE}, {LICENCE}; kept by the hub's own cache for next time.")
    try:
        with quiet():
            processor = library.AutoProcessor.from_pretrained(REPOSITORY)
            model = library.AutoModelForImageTextToText.from_pretrained(REPOSITORY).eval()
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise WeightsMissing(f"{REPOSITORY} cannot be had ({first}); it needs the internet once.") from error
    said = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}]
    prompt = processor.apply_chat_template(said, add_generation_prompt=True)
    pixels = (picture * 255).round().to(torch.uint8)
    inputs = processor(text=prompt, images=[pixels], return_tensors="pt")
    with torch.inference_mode(), quiet():
        answer = model.generate(**inputs, max_new_tokens=words, do_sample=False)
    return str(processor.batch_decode(answer[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)[0]).strip()
