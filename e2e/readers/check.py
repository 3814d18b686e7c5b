"""Opens exports with the tools they are made for and compares what those read with what was exported.

usage: check.py FOLDER    (FOLDER/expected.json says what must be found; made by e2e/tests/e2e/readers.rs)
"""

import json
import logging
import sys
import warnings
import xml.etree.ElementTree
from pathlib import Path

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

import globox
import mlcroissant
import nltk
import pandas
from label_studio_converter import Converter
from label_studio_converter.converter import Format
from nltk.corpus.reader import ConllCorpusReader
from PIL import Image
from pycocotools.coco import COCO

ROOT = Path(sys.argv[1])
EXPECTED = json.loads((ROOT / "expected.json").read_text())


def equal(found, wanted, what):
    assert found == wanted, f"{what}: found {found!r}, wanted {wanted!r}"


def rows(kind):
    return EXPECTED[kind]["items"]


def field(kind):
    return EXPECTED[kind]["field"]


def tables():
    """pandas: JSON Lines, CSV and Parquet."""
    for kind in EXPECTED:
        name = field(kind)
        is_plain = name in ("class", "transcript")
        csv = pandas.read_csv(ROOT / kind / "csv", keep_default_na=False)
        equal(list(csv["item"]), [r["item"] for r in rows(kind)], f"csv of {kind}")
        answers = [(a if is_plain else json.loads(a)) if a else None for a in csv[name]]
        equal(answers, [r["answer"] for r in rows(kind)], f"csv of {kind}")
        equal([json.loads(v) for v in csv["votes"]], [r["votes"] for r in rows(kind)], f"votes in the csv of {kind}")

        jsonl = pandas.read_json(ROOT / kind / "jsonl", lines=True, dtype=False)
        equal(list(jsonl["item"]), [r["item"] for r in rows(kind)], f"jsonl of {kind}")
        answers = [a if isinstance(a, (list, str)) else None for a in jsonl[name]]
        equal(answers, [r["answer"] for r in rows(kind)], f"jsonl of {kind}")

        parquet = pandas.read_parquet(ROOT / kind / "parquet")
        equal(list(parquet["item"]), [r["item"] for r in rows(kind)], f"parquet of {kind}")
        answers = [None if pandas.isna(a) else a if is_plain else json.loads(a) for a in parquet[name]]
        equal(answers, [r["answer"] for r in rows(kind)], f"parquet of {kind}")
        equal([list(v) for v in parquet["votes"]], [r["votes"] for r in rows(kind)], f"votes in the parquet of {kind}")
        for found, row in zip(parquet["posteriors"], rows(kind)):
            equal([round(p * 65535) for p in found], row["posterior"], f"posteriors in the parquet of {kind}")
        workers = [[label["worker"] for label in labels] for labels in parquet["labels"]]
        equal(workers, [r["workers"] for r in rows(kind)], f"labels in the parquet of {kind}")
        equal(set(parquet["job"]), {7}, f"job in the parquet of {kind}")


def coco():
    """pycocotools."""
    for kind in ("CLASSIFY", "MULTI_LABEL", "BOX", "POLYGON"):
        data = COCO(str(ROOT / kind / "coco"))
        classes = EXPECTED[kind]["classes"]
        equal([c["name"] for c in data.loadCats(data.getCatIds())], classes, f"categories of {kind}")
        pictures = data.loadImgs(data.getImgIds())
        equal([p["file_name"] for p in pictures], [r["item"] for r in rows(kind)], f"pictures of {kind}")
        for picture, row in zip(pictures, rows(kind)):
            equal((picture["width"], picture["height"]), tuple(row["size"]), f"size of {row['item']}")
            equal(picture["answered"], row["answer"] is not None, f"answered of {row['item']}")
            found = data.loadAnns(data.getAnnIds(imgIds=[picture["id"]]))
            names = [data.cats[a["category_id"]]["name"] for a in found]
            answer = row["answer"] or []
            if kind in ("CLASSIFY", "MULTI_LABEL"):
                equal(names, [answer] if isinstance(answer, str) else answer, row["item"])
                continue
            equal(names, [shape["class"] for shape in answer], row["item"])
            for annotation, shape in zip(found, answer):
                mask = data.annToMask(annotation)
                if kind == "BOX":
                    equal(annotation["bbox"], [shape[k] for k in ("x", "y", "width", "height")], row["item"])
                    equal(int(mask.sum()), shape["width"] * shape["height"], f"mask of {row['item']}")
                else:
                    flat = [n for point in shape["points"] for n in point]
                    equal(annotation["segmentation"], [flat], row["item"])
                    equal(mask.shape, (picture["height"], picture["width"]), f"mask of {row['item']}")
    used = {a["category_id"] for a in COCO(str(ROOT / "CLASSIFY" / "coco")).dataset["annotations"]}
    assert used < set(range(1, len(EXPECTED["CLASSIFY"]["classes"]) + 1)), "a category that nobody used stays a category"


def label_studio():
    """Label Studio's converter reads the tasks and makes its own formats of them."""
    for kind in EXPECTED:
        folder, out = ROOT / kind, ROOT / kind / "converted"
        converter = Converter(str(folder / "tasks.config.xml"), str(folder), download_resources=False)
        converter.convert(str(folder / "tasks.json"), str(out), Format.JSON_MIN, is_dir=False)
        tasks = json.loads((out / "result.json").read_text())
        equal([t["item"] for t in tasks], [r["item"] for r in rows(kind)], f"tasks of {kind}")
        for task, row in zip(tasks, rows(kind)):
            check_task(kind, task.get("answer"), row)
    check_boxes()
    check_spans()


def check_task(kind, found, row):
    """What the converter makes of an answer in its shortest format: one value alone, or a list."""
    answer = row["answer"]
    if not answer:
        assert not found, f"{row['item']}: {found!r}"
    elif kind == "MULTI_LABEL":
        equal([found] if isinstance(found, str) else found["choices"], answer, row["item"])
    elif field(kind) in ("class", "transcript"):
        equal(found, answer, row["item"])
    else:
        key = {"BOX": "rectanglelabels", "POLYGON": "polygonlabels", "SPAN": "labels"}[kind]
        equal([shape[key] for shape in found], [[shape["class"]] for shape in answer], row["item"])


def check_boxes():
    folder = ROOT / "BOX"
    converter = Converter(str(folder / "tasks.config.xml"), str(folder), download_resources=False)
    converter.convert(str(folder / "tasks.json"), str(folder / "as-coco"), Format.COCO, is_dir=False)
    made = json.loads((folder / "as-coco" / "result.json").read_text())
    found = [[round(n) for n in a["bbox"]] for a in made["annotations"]]
    wanted = [[b[k] for k in ("x", "y", "width", "height")] for r in rows("BOX") for b in r["answer"] or []]
    equal(found, wanted, "boxes by Label Studio's converter")


def check_spans():
    folder = ROOT / "SPAN"
    tasks = json.loads((folder / "tasks.json").read_text())
    for task, row in zip(tasks, rows("SPAN")):
        for annotation in task["annotations"]:
            for region, span in zip(annotation["result"], row["answer"]):
                passage = task["data"]["text"][span["start"] : span["end"]]
                equal(region["value"]["text"], passage, row["item"])
    converter = Converter(str(folder / "tasks.config.xml"), str(folder), download_resources=False)
    converter.convert(str(folder / "tasks.json"), str(folder / "as-conll"), Format.CONLL2003, is_dir=False)
    tagged = (folder / "as-conll" / "result.conll").read_text()
    assert "B-PER" in tagged and "I-ORG" in tagged, tagged


def conll():
    """NLTK's reader of CoNLL files."""
    nltk.data.path.append(str(ROOT / "SPAN" / "conll"))  # NLTK reads nothing outside of its own folders
    reader = ConllCorpusReader(str(ROOT / "SPAN" / "conll"), ["data.conll"], ("words", "pos", "ignore", "ne"))
    found, current = [], None
    lines = [line for sentence in reader._grids() for line in sentence if line[0] != "-DOCSTART-"]
    for word, _, _, tag in lines:
        if tag.startswith("B-"):
            current = [tag[2:], [word]]
            found.append(current)
        elif tag.startswith("I-"):
            current[1].append(word)
    wanted = []
    for row in rows("SPAN"):
        for span in row["answer"] or []:
            wanted.append([span["class"], row["text"][span["start"] : span["end"]].replace(" ", "")])
    equal([[name, "".join(words)] for name, words in found], wanted, "passages by NLTK")


def voc():
    folder = ROOT / "BOX" / "voc"
    stems = (folder / "ImageSets/Main/trainval.txt").read_text().splitlines()
    answered = [r for r in rows("BOX") if r["answer"] is not None]
    equal(len(stems), len(answered), "annotated pictures")
    for stem, row in zip(stems, answered):
        document = xml.etree.ElementTree.parse(folder / "Annotations" / f"{stem}.xml").getroot()
        with Image.open(folder / "JPEGImages" / document.findtext("filename")) as picture:
            size = (int(document.findtext("size/width")), int(document.findtext("size/height")))
            equal(picture.size, size, stem)
        found = []
        for shape in document.iter("object"):
            left, top, right, low = (int(shape.findtext(f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax"))
            found.append({"class": shape.findtext("name"), "x": left, "y": top, "width": right - left, "height": low - top})
        equal(found, row["answer"], stem)


def yolo():
    pictures = sorted((ROOT / "BOX" / "yolo" / "images" / "train").iterdir())
    for path in pictures:
        lines = (ROOT / "BOX" / "yolo" / "labels" / "train" / f"{path.stem}.txt").read_text().splitlines()
        with Image.open(path) as picture:
            width, height = picture.size
        row = next(r for r in rows("BOX") if r["stem"] == path.stem)
        found = []
        for line in lines:
            number, x, y, w, h = (float(n) for n in line.split())
            box = (round((x - w / 2) * width), round((y - h / 2) * height), round(w * width), round(h * height))
            found.append({"class": EXPECTED["BOX"]["classes"][int(number)]} | dict(zip(("x", "y", "width", "height"), box)))
        equal(found, row["answer"], path.name)
    named = json.loads((ROOT / "CLASSIFY" / "yolo" / "classes.json").read_text())
    folders = {named[p.name]: len(list(p.iterdir())) for p in (ROOT / "CLASSIFY" / "yolo" / "train").iterdir()}
    wanted = {name: sum(r["answer"] == name for r in rows("CLASSIFY")) for name in EXPECTED["CLASSIFY"]["classes"]}
    equal(folders, wanted, "pictures a class")


def shapes():
    """globox reads Pascal VOC and YOLO."""
    folder = ROOT / "BOX" / "yolo"
    wanted = {r["stem"]: r for r in rows("BOX") if r["answer"] is not None}
    classes = EXPECTED["BOX"]["classes"]
    voc = globox.AnnotationSet.from_pascal_voc(ROOT / "BOX" / "voc" / "Annotations")
    yolo = globox.AnnotationSet.from_yolo_v5(folder / "labels" / "train", image_folder=folder / "images" / "train", image_extension=".png")
    for found, name in ((voc, str), (yolo, lambda number: classes[int(number)])):
        equal({Path(i).stem for i in found.image_ids}, set(wanted), "pictures by globox")
        for picture in found:
            row = wanted[Path(picture.image_id).stem]
            equal(list(picture.image_size), row["size"], f"size of {picture.image_id}")
            boxes = [(name(b.label), [round(n) for n in b.ltwh]) for b in picture.boxes]
            equal(boxes, [(b["class"], [b[k] for k in ("x", "y", "width", "height")]) for b in row["answer"]], picture.image_id)
    folder = ROOT / "POLYGON" / "yolo"
    outlines = globox.AnnotationSet.from_yolo_seg(
        folder / "labels" / "train", image_folder=folder / "images" / "train", relative=True, image_extension=".png"
    )
    wanted = {r["stem"]: r for r in rows("POLYGON") if r["answer"] is not None}
    equal({Path(i).stem for i in outlines.image_ids}, set(wanted), "outlines by globox")
    for picture in outlines:
        corners = [list(zip(*p["points"])) for p in wanted[Path(picture.image_id).stem]["answer"]]
        edges = [[min(x), min(y), max(x), max(y)] for x, y in corners]
        equal([[round(n) for n in b.ltrb] for b in picture.boxes], edges, picture.image_id)


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def croissant():
    """mlcroissant checks the description, the files' hashes and reads the tables."""
    data = mlcroissant.Dataset(jsonld=str(ROOT / "CLASSIFY" / "croissant" / "croissant.json"))
    equal(sorted(data.metadata.ctx.issues.errors), [], "errors")
    equal(sorted(data.metadata.ctx.issues.warnings), [], "warnings")
    assert data.metadata.ctx.is_v1_1(), data.metadata.ctx.conforms_to
    equal(data.metadata.license, ["https://creativecommons.org/licenses/by/4.0/"], "licence")
    records = list(data.records(record_set="items"))
    equal([text(r["items/item"]) for r in records], [r["item"] for r in rows("CLASSIFY")], "items")
    answers = [text(r["items/class"]) for r in records]
    equal([a if isinstance(a, str) else None for a in answers], [r["answer"] for r in rows("CLASSIFY")], "answers")
    labels = [(text(r["labels/item"]), text(r["labels/worker"])) for r in data.records(record_set="labels")]
    equal(labels, [(r["item"], w) for r in rows("CLASSIFY") for w in r["workers"]], "labels")
    assert data.metadata.annotations_per_item and data.metadata.data_annotation_protocol, "RAI fields"


for check in (tables, coco, label_studio, conll, voc, yolo, shapes, croissant):
    check()
    print(f"ok {check.__name__}")
