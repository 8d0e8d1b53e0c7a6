# Runs the libraries' optimizers with options that change between the steps, on tensors of any rank, with gradients that are zero at
# first:
#   python changes.py > FOLDER/libs/changes.json && node tests/golden/pack.mjs FOLDER libs/changes
# with torch 2.13, timm 1.0.29, optax 0.2.8 on jax with x64, and Keras 3.15.1 on jax.
import json
import os
import sys

os.environ.update(JAX_ENABLE_X64="1", JAX_PLATFORMS="cpu", KERAS_BACKEND="jax")
import jax.numpy as jnp
import keras
import numpy
import optax
import timm.optim
import torch

torch.set_default_dtype(torch.float64)
keras.config.set_floatx("float64")
STEPS = 8
SHAPES = [[3], [2, 3], [2, 2, 2], [2, 1, 3, 2]]
numbers = numpy.random.default_rng(1)
params0 = [numbers.standard_normal(shape) for shape in SHAPES]
grads = [[numbers.standard_normal(shape) * 3 ** numbers.standard_normal() for shape in SHAPES] for _ in range(STEPS)]
grads[0][0] *= 0
grads[0][1] *= 0

lr = {3: {"lr": 0.03}, 5: {"lr": 0.002}}
decay = {3: {"lr": 0.03, "weight_decay": 0.2}, 5: {"lr": 0.002, "weight_decay": 0}}
betas = {3: {"lr": 0.03, "betas": (0.8, 0.95)}, 6: {"betas": (0.95, 0.9), "weight_decay": 0.1}}
momentum = {3: {"lr": 0.03, "momentum": 0.5}, 6: {"momentum": 0.95, "weight_decay": 0.1}}
rate = {3: {"learning_rate": 0.03}, 5: {"learning_rate": 0.002}}

TORCH = {
    "SGD": ({"momentum": 0.9, "dampening": 0.1}, momentum),
    "Adam": ({"amsgrad": True}, betas),
    "AdamW": ({"weight_decay": 0.1}, betas),
    "NAdam": ({}, betas),
    "RAdam": ({"betas": (0.9, 0.9)}, {3: {"lr": 0.03, "betas": (0.8, 0.95)}}),
    "ASGD": ({"t0": 2}, decay),
    "Adagrad": ({"lr_decay": 0.1}, decay),
    "Adadelta": ({"rho": 1.0}, {3: {"rho": 0.9}, 5: {"lr": 0.5}}),
    "Adamax": ({}, betas),
    "RMSprop": ({"momentum": 0.9, "centered": True}, momentum),
}
TIMM = {
    "AdaBelief": ({"rectify": False}, betas),
    "Adan": ({"weight_decay": 0.1}, lr),
    "AdamP": ({"weight_decay": 0.1}, betas),
    "Adopt": ({"weight_decay": 0.1}, betas),
    "LaProp": ({"weight_decay": 0.1}, betas),
    "Lamb": ({}, betas),
    "Lars": ({"momentum": 0.9, "weight_decay": 0.1}, momentum),
    "Lion": ({}, betas),
    "MADGRAD": ({}, momentum),
    "Mars": ({"weight_decay": 0.1, "lr_1d_factor": 0.5, "betas_1d": (0.8, 0.9)}, lr),
    "NAdamW": ({}, betas),
    "NvNovoGrad": ({}, betas),
    "SGDP": ({"lr": 0.01, "momentum": 0.9}, momentum),
    "SGDW": ({"momentum": 0.9}, momentum),
}
OPTAX = ["adabelief", "adam", "amsgrad", "lars", "lion", "nadam", "novograd", "rmsprop", "sgd", "yogi", "contrib.cocob"]
KERAS = ["Adam", "Adamax", "Nadam", "RMSprop", "SGD"]


def torch_run(made, options, later):
    params = [torch.tensor(x) for x in params0]
    opt = made(params, **options)
    for step in range(STEPS):
        opt.param_groups[0].update(later.get(step + 1, {}))
        for param, grad in zip(params, grads[step]):
            param.grad = torch.tensor(grad)
        opt.step()
        yield [param.numpy() for param in params]


def optax_run(made, options, later):
    rates = [options["learning_rate"]]
    for step in range(2, STEPS + 1):
        rates.append(later.get(step, {}).get("learning_rate", rates[-1]))
    opt = made(**{**options, "learning_rate": lambda count: jnp.array(rates)[count]})
    params = [jnp.array(x) for x in params0]
    state = opt.init(params)
    for step in range(STEPS):
        updates, state = opt.update([jnp.array(x) for x in grads[step]], state, params)
        params = optax.apply_updates(params, updates)
        yield params


def keras_run(made, options, later):
    opt = made(**options)
    params = [keras.Variable(x, dtype="float64") for x in params0]
    for step in range(STEPS):
        if step + 1 in later:
            opt.learning_rate = later[step + 1]["learning_rate"]
        opt.apply([jnp.array(x) for x in grads[step]], params)
        yield [param.numpy() for param in params]


def inside(module, path):
    for name in path.split("."):
        module = getattr(module, name)
    return module


def case(package, run, module, name, options, later, title="changes"):
    params = enumerate(run(inside(module, name), options, later), 1)
    flat = {step: [numpy.asarray(x).ravel().tolist() for x in values] for step, values in params if step in (1, 2, 4, 8)}
    source = {"package": package, "version": sys.modules[package].__version__}
    named = {"name": f"{package}/{name}/{title}/float64", "optimizer": name, "source": source}
    return {**named, "dtype": "float64", "hyperparameters": options, "later": later, "shapes": SHAPES, "params": flat}


cases = [case("torch", torch_run, torch.optim, name, *more) for name, more in TORCH.items()]
cases += [case("timm", torch_run, timm.optim, name, *more) for name, more in TIMM.items()]
start = {"learning_rate": 0.01}
nesterov = {**start, "momentum": 0.9, "nesterov": True}
given = {"rmsprop": {**nesterov, "centered": True}, "sgd": nesterov, "SGD": nesterov, "RMSprop": {**start, "momentum": 0.9}}
lion = {"mars_type": "lion", "caution": True}
cases += [case("timm", torch_run, timm.optim, "Mars", lion, {}, "cautious_lion")]
cases += [case("optax", optax_run, optax, name, given.get(name, start), rate) for name in OPTAX]
cases += [case("optax", optax_run, optax, "rmsprop", {**start, "eps_in_sqrt": False}, rate, "eps_outside")]
cases += [case("keras", keras_run, keras.optimizers, name, given.get(name, start), rate) for name in KERAS]
flat = [[x.ravel().tolist() for x in each] for each in [params0, *grads]]
json.dump({"cases": cases, "own": {"params0": flat[0], "grads": flat[1:]}}, sys.stdout)
