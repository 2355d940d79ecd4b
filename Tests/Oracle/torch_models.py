"""Files as training leaves them: state dictionaries, optimizers, checkpoints and a whole module."""

from __future__ import annotations

import copy
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import nn


def write(folder: Path) -> list[Path]:
    """Writes every model below the folder."""
    torch.manual_seed(20_261_121)
    transformer = _transformer()
    made: dict[str, Any] = {
        "resnet_like.pt": _resnet().state_dict(),
        "transformer.pt": transformer.state_dict(),
        "transformer-half.pt": copy.deepcopy(transformer).half().state_dict(),
        "transformer-bfloat16.pt": copy.deepcopy(transformer).bfloat16().state_dict(),
        "adam.pt": _adam(),
        "lightning.ckpt": _lightning(),
        "tied.pt": _tied().state_dict(),
        "whole_module.pt": nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, root in made.items():
        torch.save(root, folder / name)
    return [folder / name for name in made]


class _Block(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, width: int, out: int, stride: int) -> None:
        """As ResNet's basic block."""
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        if stride != 1 or width != out:
            self.downsample = nn.Sequential(nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out))


def _resnet() -> nn.Module:
    """The layers of ResNet-18 at half its width: 2.8 million parameters."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv1=nn.Conv2d(3, 32, 7, 2, 3, bias=False), bn1=nn.BatchNorm2d(32))
    width = 32
    for index, out in enumerate((32, 64, 128, 256)):
        layers[f"layer{index + 1}"] = nn.Sequential(_Block(width, out, 1 if index == 0 else 2), _Block(out, out, 1))
        width = out
    layers["fc"] = nn.Linear(256, 1000)
    return nn.Sequential(layers)


def _transformer() -> nn.Module:
    """An encoder of three layers with embeddings: 3.4 million parameters."""
    layer = nn.TransformerEncoderLayer(192, 6, 768, batch_first=True)
    parts = {"tokens": nn.Embedding(8000, 192), "places": nn.Embedding(256, 192), "encoder": nn.TransformerEncoder(layer, 3)}
    return nn.ModuleDict(parts)


def _tied() -> nn.Module:
    """A language model whose head is its embedding."""
    model = nn.ModuleDict(
        {"embedding": nn.Embedding(2000, 64), "norm": nn.LayerNorm(64), "head": nn.Linear(64, 2000, bias=False)}
    )
    model["head"].weight = model["embedding"].weight
    return model


def _trained() -> tuple[nn.Module, torch.optim.Optimizer, Any]:
    """A model, its optimizer and a scheduler after two steps."""
    model = nn.Sequential(nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(
        [{"params": model[0].parameters(), "lr": 1e-2}, {"params": model[3].parameters()}], amsgrad=True
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.randn(8, 64)).square().mean().backward()
        optimizer.step()
        scheduler.step()
    return model, optimizer, scheduler


def _adam() -> dict[str, Any]:
    """The state of an optimizer."""
    return _trained()[1].state_dict()


def _lightning() -> dict[str, Any]:
    """The keys of a checkpoint of PyTorch Lightning."""
    model, optimizer, scheduler = _trained()
    progress = {"total": {"ready": 2, "completed": 2}, "current": {"ready": 2, "completed": 2}}
    return {
        "epoch": 0,
        "global_step": 2,
        "pytorch-lightning_version": "2.6.6",
        "state_dict": OrderedDict((f"model.{name}", value) for name, value in model.state_dict().items()),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": progress}},
        "callbacks": {
            "ModelCheckpoint": {"best_model_score": torch.tensor(0.25), "best_k_models": {}, "kth_value": torch.tensor(1.0)}
        },
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [scheduler.state_dict()],
        "hparams_name": "kwargs",
        "hyper_parameters": {"width": 128, "rate": 1e-2, "layers": [64, 128, 10]},
    }
