"""Checkpoints in several files, by the real libraries.

live_shards.py split FOLDER COUNT SEED   state dicts, and the indexes that huggingface_hub makes of them
live_shards.py hub FOLDER COUNT SEED     state dicts, and what huggingface_hub writes of them in safetensors
live_shards.py load FOLDER               are the shards in FOLDER/NN what FOLDER/NN.pt has?
live_shards.py dcp FOLDER SEED           distributed checkpoints of one process and of three, and what is in them
"""

import collections
import json
import os
import random
import sys
import warnings

import torch

warnings.simplefilter("ignore")


def state_dict(dice):
    sd = collections.OrderedDict()
    dtypes = [torch.float32, torch.bfloat16, torch.int64, torch.float16, torch.uint8]
    for number in range(dice.randrange(1, 14)):
        shape = [dice.randrange(1, 9) for _ in range(dice.randrange(4))]
        name = dice.choice(["layer.%d.weight", "b%d", "é%d", 'q"%d', "日本.%d"]) % number
        if sd and dice.random() < 0.2:
            sd[name] = sd[dice.choice(list(sd))]
        else:
            sd[name] = torch.rand(shape).mul(100).to(dice.choice(dtypes))
    return sd


def split(folder, count, seed):
    try:
        from huggingface_hub import split_torch_state_dict_into_shards
    except ImportError:
        sys.exit(77)
    dice = random.Random(seed)
    torch.manual_seed(seed)
    os.makedirs(folder, exist_ok=True)
    for number in range(count):
        sd = state_dict(dice)
        size = dice.choice([1, 16, 64, 200, 500, 2000])
        torch.save(sd, f"{folder}/{number}.pt")
        found = split_torch_state_dict_into_shards(
            sd, filename_pattern="pytorch_model{suffix}.bin", max_shard_size=size
        )
        text = ""
        if found.is_sharded:
            index = {"metadata": found.metadata, "weight_map": found.tensor_to_filename}
            # As transformers writes it.
            text = json.dumps(index, indent=2, sort_keys=True) + "\n"
        with open(f"{folder}/{number}.json", "w", encoding="utf-8") as file:
            file.write(text)
        print(number, size)


def hub(folder, count, seed):
    try:
        from huggingface_hub import save_torch_state_dict
    except ImportError:
        sys.exit(77)
    dice = random.Random(seed)
    torch.manual_seed(seed)
    os.makedirs(folder, exist_ok=True)
    for number in range(count):
        sd = {name: tensor.clone() for name, tensor in state_dict(dice).items()}
        size = dice.choice([16, 64, 200, 500, 2000])
        torch.save(sd, f"{folder}/{number}.pt")
        os.makedirs(f"{folder}/{number}-hub")
        save_torch_state_dict(sd, f"{folder}/{number}-hub", max_shard_size=size)
        print(number, size)


def load(folder):
    count = 0
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".pt"):
            continue
        whole = torch.load(f"{folder}/{name}", weights_only=True)
        shards = f"{folder}/{name[:-3]}"
        found = {}
        for shard in sorted(os.listdir(shards)):
            if shard.endswith(".bin"):
                part = torch.load(f"{shards}/{shard}", weights_only=True, mmap=True)
                assert not set(part) & set(found), shard
                found.update(part)
        assert set(found) == set(whole), (name, set(found) ^ set(whole))
        for key, tensor in whole.items():
            assert tensor.dtype == found[key].dtype, key
            assert torch.equal(tensor, found[key]), key
            for other in whole:
                ties = [d[key].data_ptr() == d[other].data_ptr() for d in (whole, found)]
                assert not tensor.numel() or not whole[other].numel() or ties[0] == ties[1], (key, other)
        count += 1
    print(f"{count} checkpoints are the same")


def whole_state(seed):
    torch.manual_seed(seed)
    return {
        "rows": torch.randn(7, 5),
        "cols": torch.randn(6, 9).to(torch.bfloat16),
        "deep": torch.arange(2 * 3 * 8).reshape(2, 3, 8),
        "mid": torch.arange(2 * 5 * 3, dtype=torch.int32).reshape(2, 5, 3),
        "turned": torch.randn(8, 6).t(),
        "wide": torch.randn(300, 1001),
        "few": torch.randn(2, 3),
        "plain": torch.randn(3),
        "scalar": torch.tensor(5),
        "empty": torch.zeros(0, 4),
    }


def process(rank, count, folder, seed, port):
    import torch.distributed as dist
    import torch.distributed.checkpoint as dcp
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    os.environ.update(
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE=str(count)
    )
    dist.init_process_group("gloo")
    mesh = init_device_mesh("cpu", (count,))
    state = whole_state(seed)
    axes = {"rows": 0, "cols": 1, "deep": 2, "mid": 1, "turned": 1, "wide": 1, "few": 0}
    for name, axis in axes.items():
        state[name] = distribute_tensor(state[name], mesh, [Shard(axis)])
    dcp.save({"model": state, "step": 3, "lr": [0.5, {"a": None}]}, checkpoint_id=folder)
    dist.destroy_process_group()


def dcp(folder, seed):
    import socket

    import torch.distributed.checkpoint as checkpoint
    import torch.multiprocessing as mp

    os.makedirs(folder, exist_ok=True)
    state = whole_state(seed)
    checkpoint.save({"model": state, "step": 3, "lr": [0.5, {"a": None}]}, checkpoint_id=f"{folder}/one")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mp.spawn(process, args=(3, f"{folder}/three", seed, port), nprocs=3)
    torch.save({"model": state, "step": 3, "lr": [0.5, {"a": None}]}, f"{folder}/whole.pt")


if __name__ == "__main__":
    verb, folder, *rest = sys.argv[1:]
    {"split": split, "hub": hub, "load": load, "dcp": dcp}[verb](folder, *map(int, rest))
