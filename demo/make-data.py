#!/usr/bin/env python3
"""Make the files in demo/data from the film search data set.

    make-data.py SOURCE TARGET

SOURCE is a folder with the five files of the data set elastic-ltr-movies:

    corpus.jsonl.xz              one film a line: _id, title, text (the overview), metadata
    queries.jsonl.xz             one query a line: _id ("qid:5141"), text
    qrels.tsv.xz                 judgments, with a header: query-id, corpus-id, score (0 or 1)
    corpus.minilm-384.npy.xz     float16 embeddings by all-MiniLM-L6-v2, rows in file order, of
    queries.minilm-384.npy.xz    "title. overview" and of the query; unit length

TARGET gets five files in COPY's text format, compressed with xz, and README.md says what they
hold.  A film's embedding is on the same line of film-embeddings.tsv as the film is of films.tsv,
so that `paste` joins the two; the same goes for the queries.  Keeping numbers and words apart
makes both compress better.

Embeddings are rounded: a film's to 0.001, a query's to 0.004.  They vary by about 0.05 in each
dimension, so this keeps 8 and 6 bits of each number, which is all that the ranking needs.  The
script checks it: it prints nDCG@10 of the vectors as they were and as they are written.

The source spells genres in two ways; here all are in lower case, and "sci-fi" is "science fiction".

Needs Python 3.9 or later and numpy.
"""
import argparse
import io
import json
import lzma
from pathlib import Path

import numpy as np

FILM_STEP = 0.001
QUERY_STEP = 0.004
DEPTH = 10


def genre_names(names):
    """Genre names in one spelling."""
    names = [name.lower() for name in names if name != "(no genres listed)"]
    return ["science fiction" if name == "sci-fi" else name for name in names]


def read_lines(path):
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def read_json_lines(path):
    return [json.loads(line) for line in read_lines(path)]


def read_vectors(path):
    with lzma.open(path) as file:
        return np.load(io.BytesIO(file.read())).astype(np.float32)


def copy_text(value):
    """One column value in COPY's text format."""
    text = " ".join(str(value).split())
    return text.replace("\\", "\\\\") or "\\N"


def copy_array(values):
    """A text[] value in COPY's text format."""
    quoted = []
    for value in values:
        text = " ".join(value.split())
        text = text.replace("\\", "\\\\").replace('"', '\\"')
        quoted.append('"' + text + '"' if needs_quotes(text) else text)
    return ("{" + ",".join(quoted) + "}").replace("\\", "\\\\")


def needs_quotes(text):
    return not text or text.upper() == "NULL" or any(c in '{},"\\' for c in text)


def decimal(thousandths):
    """13 -> .013, -200 -> -.2, 0 -> 0"""
    if thousandths == 0:
        return "0"
    sign = "-" if thousandths < 0 else ""
    whole, rest = divmod(abs(thousandths), 1000)
    digits = f"{rest:03d}".rstrip("0")
    return sign + (str(whole) if whole else "") + ("." + digits if digits else "")


def round_vectors(vectors, step):
    """The vectors in whole thousandths, each a multiple of step."""
    unit = round(step * 1000)
    return np.rint(vectors / step).astype(int) * unit


def write(path, lines):
    data = ("\n".join(lines) + "\n").encode("utf-8")
    path.write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
    print(f"{path.name:28} {len(lines):7,} lines {path.stat().st_size:10,} bytes")


def write_vectors(path, thousandths):
    write(path, ["[" + ",".join(map(decimal, row)) + "]" for row in thousandths.tolist()])


def ndcg(films, queries, relevant):
    """Mean nDCG@10 of an exact search by cosine distance; relevant: row numbers for each query."""
    films = films / np.linalg.norm(films, axis=1, keepdims=True)
    discount = 1 / np.log2(np.arange(DEPTH) + 2)
    total = 0.0
    for start in range(0, len(queries), 1000):
        score = queries[start:start + 1000] @ films.T
        top = np.argpartition(-score, DEPTH, axis=1)[:, :DEPTH]
        order = np.argsort(-np.take_along_axis(score, top, 1), axis=1, kind="stable")
        top = np.take_along_axis(top, order, 1)
        for row, found in enumerate(top.tolist(), start):
            gain = sum(discount[i] for i, film in enumerate(found) if film in relevant[row])
            total += gain / discount[:len(relevant[row])].sum()
    return total / len(queries)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder with the data set")
    parser.add_argument("target", type=Path, help="folder to write to")
    args = parser.parse_args()

    films = read_json_lines(args.source / "corpus.jsonl.xz")
    queries = read_json_lines(args.source / "queries.jsonl.xz")
    judgments = [line.split("\t") for line in read_lines(args.source / "qrels.tsv.xz")[1:]]
    film_vectors = read_vectors(args.source / "corpus.minilm-384.npy.xz")
    query_vectors = read_vectors(args.source / "queries.minilm-384.npy.xz")
    assert len(films) == len(film_vectors) and len(queries) == len(query_vectors)

    film_row = {film["_id"]: row for row, film in enumerate(films)}
    query_row = {query["_id"]: row for row, query in enumerate(queries)}
    relevant = [set() for _ in queries]
    judged = []
    for query, film, grade in judgments:
        assert grade in ("0", "1")      # so a linear and an exponential gain are the same
        judged.append((query_row[query], film_row[film], grade))
        if grade == "1":
            relevant[query_row[query]].add(film_row[film])
    assert all(relevant)                # nDCG is defined for every query

    args.target.mkdir(parents=True, exist_ok=True)
    lines = []
    for film in films:
        data = film["metadata"]
        lines.append("\t".join([
            film["_id"], copy_text(film["title"]), str(data["year"] or "\\N"),
            copy_array(genre_names(data["genres"])), copy_text(data["director"]),
            copy_array(data["actors"]), str(data["votes"]), f'{data["rating"]:.1f}',
            copy_text(film["text"])]))
    write(args.target / "films.tsv.xz", lines)
    write(args.target / "queries.tsv.xz",
          [query["_id"].removeprefix("qid:") + "\t" + copy_text(query["text"])
           for query in queries])
    write(args.target / "judgments.tsv.xz",
          [queries[query]["_id"].removeprefix("qid:") + "\t" + films[film]["_id"] + "\t" + grade
           for query, film, grade in sorted(judged)])

    film_rounded = round_vectors(film_vectors, FILM_STEP)
    query_rounded = round_vectors(query_vectors, QUERY_STEP)
    write_vectors(args.target / "film-embeddings.tsv.xz", film_rounded)
    write_vectors(args.target / "query-embeddings.tsv.xz", query_rounded)

    for name, f, q in (("float16", film_vectors, query_vectors),
                       ("written", film_rounded, query_rounded)):
        f = f.astype(np.float32)
        q = q.astype(np.float32)
        print(f"nDCG@{DEPTH} of the vectors, {name}: "
              f"{ndcg(f, q, relevant):.4f} on {len(q):,} queries, "
              f"{ndcg(f, q[:3000], relevant):.4f} on the first 3,000")


if __name__ == "__main__":
    main()
