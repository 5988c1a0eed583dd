"""What people would use today to find recurring tickets, on the same labelled file and in the same run as Shenban.

    pip install -r requirements.txt
    python compare.py --data DIR --shenban PATH_TO_BINARY [--json]

DIR holds messages.csv and reference.csv, as for `shenban bench detect`. Each baseline gets the best of a grid of settings
on the labels themselves, which favours it. Timed is the same of all, on one core: from the file to a label a ticket. A
baseline's time is reading, segmenting, weighing, and clustering with the best setting alone; the start of Python and the
loading of jieba's dictionary are left out. Shenban's is the whole process, its start and the writing of its rows included;
the median of five, as the first finds neither its program nor the file in memory.
"""

import argparse
import collections
import csv
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jieba
import numpy as np
from sklearn.cluster import DBSCAN, HDBSCAN
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

TITLES = ["主题", "标题", "留言主题", "工单标题", "诉求标题", "title", "subject"]
BODIES = ["内容", "留言详情", "诉求内容", "工单内容", "详情", "body", "content"]
NUMBERS = ["工单编号", "留言编号", "受理编号", "工单号", "编号", "source_no", "id"]


def column(row, names):
    return next(row[name] for name in names if name in row)


def read(folder):
    with open(os.path.join(folder, "messages.csv"), encoding="utf-8-sig", newline="") as file:
        rows = [(column(r, NUMBERS), column(r, TITLES), column(r, BODIES)) for r in csv.DictReader(file)]
    with open(os.path.join(folder, "reference.csv"), encoding="utf-8-sig", newline="") as file:
        reference = {r["message_id"]: r["problem"] for r in csv.DictReader(file)}
    return rows, reference


def scores(ids, labels, reference):
    """B-cubed over labelled tickets, and the reference problems found; as `detect::evaluate` defines them."""
    groups = {i: f"alone {i}" if label in (None, -1) else label for i, label in zip(ids, labels)}
    sizes = collections.Counter(groups.values())
    real = collections.Counter(reference.values())
    both = collections.Counter((groups[i], p) for i, p in reference.items())
    found = collections.Counter(groups[i] for i in reference)
    total = len(reference)
    precision = sum(n * n / found[g] for (g, _), n in both.items()) / total
    recall = sum(n * n / real[p] for (_, p), n in both.items()) / total
    held = {p for (g, p), n in both.items() if n >= 0.5 * real[p] and n >= 0.6 * sizes[g]}
    f1 = 2 * precision * recall / (precision + recall)
    return {"precision": precision, "recall": recall, "f1": f1, "found": len(held), "of": len(real)}


def segmented(rows, weight):
    """Words of title (repeated by its weight) and body, as most tutorials do it."""
    texts = [" ".join(jieba.cut(title)) for _, title, _ in rows]
    bodies = [" ".join(jieba.cut(body)) for _, _, body in rows]
    return [" ".join([title] * weight + [body]) for title, body in zip(texts, bodies)]


def vectors(texts):
    return TfidfVectorizer(token_pattern=r"(?u)\b\w\w+\b", min_df=2, max_df=0.2, sublinear_tf=True).fit_transform(texts)


def dbscan(texts):
    matrix = vectors(texts)
    for eps in (0.5, 0.55, 0.6, 0.65, 0.7, 0.75):
        for least in (2, 3):
            yield {"eps": eps, "min_samples": least}, lambda e=eps, m=least: DBSCAN(
                eps=e, min_samples=m, metric="cosine"
            ).fit_predict(matrix)


def hdbscan(texts):
    matrix = vectors(texts)
    for size in (100, 200):
        reduced = normalize(TruncatedSVD(size, random_state=0).fit_transform(matrix))
        for least in (3, 5):
            for method in ("eom", "leaf"):
                yield {"dimensions": size, "min_cluster_size": least, "method": method}, lambda r=reduced, m=least, k=method: HDBSCAN(
                    min_cluster_size=m, min_samples=1, cluster_selection_method=k, n_jobs=1, copy=True
                ).fit_predict(r)


def single_pass(texts):
    matrix = vectors(texts).astype(np.float32)
    for cut in (0.2, 0.25, 0.3, 0.35, 0.4):
        yield {"cut": cut}, lambda c=cut: one_pass(matrix, c)


def one_pass(matrix, cut):
    """Each ticket joins the cluster of the nearest earlier ticket that is like enough, else it begins one."""
    labels = np.full(matrix.shape[0], -1)
    for at in range(matrix.shape[0]):
        near, best = -1, 0.0
        if at:
            like = (matrix[:at] @ matrix[at].T).toarray().ravel()
            near = int(like.argmax())
            best = like[near]
        labels[at] = labels[near] if best >= cut else at
    return labels


def best_of(settings, ids, reference, prepared):
    best = None
    for named, run in settings:
        begun = time.perf_counter()
        labels = run()
        told = scores(ids, labels, reference) | {"settings": named}
        told["tickets_a_second"] = len(ids) / (prepared + time.perf_counter() - begun)
        if best is None or (told["f1"] + told["found"] / told["of"]) > (best["f1"] + best["found"] / best["of"]):
            best = told
    return best


def shenban(binary, folder, ids, reference):
    with tempfile.TemporaryDirectory() as out:
        path = os.path.join(out, "found.csv")
        command = [binary, "detect", os.path.join(folder, "messages.csv"), "--out", path]
        took = []
        for _ in range(5):
            begun = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            took.append(time.perf_counter() - begun)
        with open(path, encoding="utf-8", newline="") as file:
            found = {r["ticket"]: r["problem"] or None for r in csv.DictReader(file)}
    labels = [found.get(i) for i in ids]
    return scores(ids, labels, reference) | {"tickets_a_second": len(ids) / statistics.median(took)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--shenban", required=True)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    begun = time.perf_counter()
    rows, reference = read(args.data)
    reading = time.perf_counter() - begun
    ids = [row[0] for row in rows]
    results = {"shenban detect": shenban(args.shenban, args.data, ids, reference)}
    for weight in (1, 6):
        begun = time.perf_counter()
        texts = segmented(rows, weight)
        vectors(texts)
        prepared = reading + time.perf_counter() - begun
        for name, method in (("DBSCAN", dbscan), ("SVD + HDBSCAN", hdbscan), ("single pass", single_pass)):
            told = best_of(method(texts), ids, reference, prepared)
            results[f"jieba, TF-IDF, {name}, title x{weight}"] = told
    if args.json:
        json.dump(results, sys.stdout, ensure_ascii=False, indent=2)
        return
    for name, r in results.items():
        print(f"{name:44} F1 {r['f1']:.3f}  found {r['found']:2} of {r['of']}  {r['tickets_a_second']:8.0f} tickets/s")


if __name__ == "__main__":
    main()
