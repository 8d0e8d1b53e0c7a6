"""Writes safetensors files with the library in Python, for tests to read:

    python tests/golden/files.py FOLDER     torch-state/: what PyTorch 2.13's optimizers had after 25 steps
    python tests/golden/files.py IN OUT     the tensors and metadata of a file of ours, written by the library

FOLDER has PyTorch's numbers as its runs wrote them; nothing in them comes from gradstep. Muon's run has no param_groups: its
options are the defaults of torch.optim.Muon with those of the run.
"""
import ctypes
import json
import sys
from pathlib import Path

CASES = {
    "ASGD": "averaging", "Adadelta": "all", "Adafactor": "eps", "Adagrad": "all", "Adam": "weight_decay", "AdamW": "amsgrad",
    "Adamax": "all", "Muon": "ns3", "NAdam": "weight_decay", "RAdam": "b2_99", "RMSprop": "all", "Rprop": "etas_steps",
    "SGD": "dampening",
}
MUON = {"lr": 1e-3, "weight_decay": 0.1, "momentum": 0.95, "nesterov": True, "ns_coefficients": [3.4445, -4.775, 2.0315],
        "eps": 1e-7, "ns_steps": 5, "adjust_lr_fn": None}


def torch_state(folder, optimizer, case):
    import numpy as np
    from safetensors.numpy import save_file

    cases = json.loads((Path(folder) / f"torch213_{optimizer}.json").read_text())["cases"]
    suffix = "float64-nobf16" if optimizer == "Muon" else "float64"
    run = next(each for each in cases if each["name"] == f"torch2.13/{optimizer}/{case}/{suffix}")
    tensors = {}
    for name, shape, params, state in zip("wb", run["shapes"], run["params"]["25"], run["state"]):
        tensors[f"param.{name}"] = np.array(params).reshape(shape)
        for slot, value in state.items():
            array = np.array(value, dtype=np.float32 if slot == "step" else np.float64)
            tensors[f"state.{name}.{slot}"] = array.reshape(shape) if array.size == np.prod(shape) else array
    [group] = run.get("param_groups") or [{**MUON, **run["hyperparameters"]}]
    groups = json.dumps([{**group, "params": list("wb")[: len(run["shapes"])]}])
    metadata = {"optimizer": optimizer, "torch": "2.13.0+cpu", "case": run["name"], "param_groups": groups}
    save_file(tensors, Path(__file__).parent / "torch-state" / f"{optimizer}.safetensors", metadata)


def rewrite(source, target):
    from safetensors import TensorSpec, deserialize, serialize

    raw = Path(source).read_bytes()
    metadata = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]
    names = {"F64": "float64", "F32": "float32", "BF16": "bfloat16", "U8": "uint8"}
    tensors, buffers = {}, []
    for name, tensor in deserialize(raw):
        buffers.append(ctypes.create_string_buffer(bytes(tensor["data"]), len(tensor["data"])))
        tensors[name] = TensorSpec(dtype=names[tensor["dtype"]], shape=tensor["shape"],
                                   data_ptr=ctypes.addressof(buffers[-1]), data_len=len(tensor["data"]))
    Path(target).write_bytes(serialize(tensors, metadata))


if len(sys.argv) == 2:
    for optimizer, case in CASES.items():
        torch_state(sys.argv[1], optimizer, case)
else:
    rewrite(*sys.argv[1:])
