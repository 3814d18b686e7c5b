"""Proves a run of the network in a job of cairn-bench with ezkl (Halo2 with KZG commitments), and prints what that took as JSON.

usage: prove.py JOB.json REPETITIONS FOLDER

The network is given to ezkl as it takes networks, as ONNX in floats: weights and values over 128, requantisation as a factor. Inputs are
hashed, and weights too where the job commits to them (else they are fixed in the key). ezkl is spared what our circuits do besides:
saturation, argmax, salts, and the commitment to the answer, which it makes public. Every step runs in FOLDER, which gets the keys.
"""
import asyncio
import importlib.metadata
import inspect
import json
import os
import resource
import sys
import time

import ezkl
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ONE = 128.0  # of int8 values, written as 1.0


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def timed(call, *arguments, **options):
    """What a call gives, and its seconds; ezkl's calls give a value or something to wait for."""
    wall, before = time.perf_counter(), cpu()
    given = call(*arguments, **options)
    if inspect.isawaitable(given):
        given = await given
    return given, {"wall": time.perf_counter() - wall, "cpu": cpu() - before}


def network(job):
    """The job's network as an ONNX model."""
    nodes, tensors, inputs, taken = [], [], job["inputs"], "x"
    for number, layer in enumerate(job["layers"]):
        is_last = number + 1 == len(job["layers"])
        weights = np.array(layer["weights"], dtype=np.float32).reshape(layer["outputs"], inputs).T
        scale = 1.0 / ONE if is_last else ONE / 2.0 ** layer["shift"] / ONE
        biases = np.array(layer["biases"], dtype=np.float32) * np.float32(scale / ONE)
        tensors += [numpy_helper.from_array(np.ascontiguousarray(weights * np.float32(scale)), f"w{number}"), numpy_helper.from_array(biases, f"b{number}")]
        nodes.append(helper.make_node("Gemm", [taken, f"w{number}", f"b{number}"], [f"sum{number}"]))
        taken, inputs = f"sum{number}", layer["outputs"]
        if layer["relu"] and not is_last:
            nodes.append(helper.make_node("Relu", [taken], [f"value{number}"]))
            taken = f"value{number}"
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, job["inputs"]])
    answer = helper.make_tensor_value_info(taken, TensorProto.FLOAT, [1, inputs])
    graph = helper.make_graph(nodes, "network", [given], [answer], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


async def measure(job, repetitions):
    onnx.save(network(job), "network.onnx")
    with open("input.json", "w") as file:
        json.dump({"input_data": [[value / ONE for value in job["runs"][0]["values"]]]}, file)
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility = "hashed"
    arguments.param_visibility = "fixed" if job["constant"] else "hashed"
    arguments.output_visibility = "public"
    await timed(ezkl.gen_settings, "network.onnx", "settings.json", py_run_args=arguments)
    await timed(ezkl.calibrate_settings, "input.json", "network.onnx", "settings.json", "resources")
    with open("settings.json") as file:
        settings = json.load(file)
    logrows = settings["run_args"]["logrows"]
    # The structured reference string is the same for all circuits of a size; made here, it is not counted.
    await timed(ezkl.gen_srs, "srs", logrows)
    print(f"ezkl: 2^{logrows} rows, setting up", file=sys.stderr, flush=True)
    _, compiled = await timed(ezkl.compile_circuit, "network.onnx", "circuit", "settings.json")
    _, keys = await timed(ezkl.setup, "circuit", "verifying.key", "proving.key", "srs")
    set_up = {unit: compiled[unit] + keys[unit] for unit in compiled}
    proved, verified = [], []
    for repetition in range(repetitions):
        print(f"ezkl: proof {repetition + 1} of {repetitions}", file=sys.stderr, flush=True)
        _, witness = await timed(ezkl.gen_witness, "input.json", "circuit", "witness.json")
        _, proof = await timed(ezkl.prove, "witness.json", "circuit", "proving.key", "proof.json", "srs")
        proved.append({unit: witness[unit] + proof[unit] for unit in witness})
        is_valid, took = await timed(ezkl.verify, "proof.json", "settings.json", "verifying.key", "srs")
        if not is_valid:
            raise SystemExit("ezkl refuses its own proof")
        verified.append(took)
    with open("proof.json") as file:
        proof = json.load(file)
    encoded = proof.get("hex_proof")
    return {
        "version": f"ezkl {importlib.metadata.version('ezkl')}",
        "constraints": 1 << logrows,
        "set_up": set_up,
        "prove": proved,
        "verify": verified,
        "verify_decoded": [],
        "proof": (len(encoded) - 2) // 2 if encoded else len(proof["proof"]),
        "verifying_key": os.path.getsize("verifying.key"),
        "proving_key": os.path.getsize("proving.key"),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def main():
    if len(sys.argv) != 4 or not sys.argv[2].isdigit() or sys.argv[2] == "0":
        raise SystemExit(__doc__)
    with open(sys.argv[1]) as file:
        job = json.load(file)
    os.makedirs(sys.argv[3], exist_ok=True)
    os.chdir(sys.argv[3])
    print(json.dumps(asyncio.run(measure(job, int(sys.argv[2])))))


if __name__ == "__main__":
    main()
