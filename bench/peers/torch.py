"""PyTorch, as its default or with fused=True: python torch.py default|fused. It answers as worker.js does.

The folder of this file is taken from the path: the file's own name would hide the package's.
"""
import array
import json
import sys
import time

sys.path.pop(0)
import torch  # noqa: E402

fused = sys.argv[1] == "fused"
torch.set_num_threads(1)
more = {"fused": True} if fused else {}
made = {
    "adam": lambda p, o: torch.optim.Adam([p], lr=o["lr"], betas=(o["beta1"], o["beta2"]), eps=o["eps"], **more),
    "adamw": lambda p, o: torch.optim.AdamW(
        [p], lr=o["lr"], betas=(o["beta1"], o["beta2"]), eps=o["eps"], weight_decay=o["weightDecay"], **more
    ),
    "sgd": lambda p, o: torch.optim.SGD([p], lr=o["lr"], **more),
    "sgd momentum": lambda p, o: torch.optim.SGD([p], lr=o["lr"], momentum=o["momentum"], **more),
}
if not fused:
    made["rmsprop"] = lambda p, o: torch.optim.RMSprop([p], lr=o["lr"], alpha=o["alpha"], eps=o["eps"])


def read(path, n):
    numbers = array.array("f")
    with open(path, "rb") as file:
        numbers.fromfile(file, 2 * n)
    both = torch.tensor(numbers, dtype=torch.float32)
    return both[:n].clone(), both[n:].clone()


def median_step(optimizer, batch, milliseconds):
    samples = []
    begin = time.perf_counter_ns()
    warm = False
    while len(samples) < 3 or time.perf_counter_ns() - begin < 1.1e6 * milliseconds:
        start = time.perf_counter_ns()
        for _ in range(batch):
            optimizer.step()
        if warm:
            samples.append(time.perf_counter_ns() - start)
        else:
            warm = time.perf_counter_ns() - begin >= 1e5 * milliseconds
    samples.sort()
    middle = len(samples) - 1
    return (samples[middle // 2] + samples[(middle + 1) // 2]) / 2 / batch


def answer(asked):
    global p, optimizer, batch
    if "rule" in asked:
        n = asked["n"]
        start, g = read(asked["data"], n)
        p = torch.nn.Parameter(start)
        p.grad = g
        optimizer = made[asked["rule"]](p, asked["options"])
        batch = max(1, 16384 // n)
        return {}
    if "steps" in asked:
        for _ in range(asked["steps"]):
            optimizer.step()
        with open(asked["out"], "wb") as file:
            array.array("f", p.detach().tolist()).tofile(file)
        return {}
    return {"ns": median_step(optimizer, batch, asked["milliseconds"])}


if fused:  # only newer versions have it for the processor
    made["adam"](torch.nn.Parameter(torch.zeros(1)), {"lr": 1.0, "beta1": 0.5, "beta2": 0.5, "eps": 1.0})
print(json.dumps({"version": "PyTorch " + torch.__version__ + (", fused" if fused else ""), "rules": list(made)}), flush=True)
for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line))), flush=True)
    except Exception as error:
        print(json.dumps({"error": str(error)}), flush=True)
