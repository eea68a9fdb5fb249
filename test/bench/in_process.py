"""What the comparisons in process begin with: options, vectors of a file, and the program that measures ours."""
import argparse
import pathlib
import subprocess

import numpy as np


def parser(program, rounds):
    """The options that all have, with the program of that name."""
    options = argparse.ArgumentParser()
    options.add_argument("--data", required=True, type=pathlib.Path)
    options.add_argument("--lists", required=True, type=int)
    options.add_argument("--points", type=int)
    options.add_argument("--threads", default="1,2")
    options.add_argument("--rounds", type=int, default=rounds)
    options.add_argument("--program", default=pathlib.Path(__file__).resolve().parents[2] / "build" / "bench" / program)
    return options


def read_fvecs(path, count):
    """The first so many vectors of a file, all of them if that is None."""
    dims = int(np.fromfile(path, np.int32, 1)[0])
    rows = np.memmap(path, np.float32, "r").reshape(-1, dims + 1)
    return np.ascontiguousarray(rows[:count, 1:])


def measure(program, *arguments):
    """The numbers that a program prints, by their names."""
    text = subprocess.run(list(map(str, [program, *arguments])), check=True, stdout=subprocess.PIPE, text=True).stdout
    return {name: float(value) for name, value in (line.split("\t") for line in text.splitlines())}
