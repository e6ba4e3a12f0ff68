"""Holds what kinolens writes for other programs to the readers of these programs.

    python exchange.py --kinolens PROGRAM

Needs safetensors, numpy, scikit-learn and pycocotools; with fiftyone its importers are asked too. A small network is trained on the demo
dataset for an epoch and evaluated.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import tempfile
import xml.etree.ElementTree

import numpy as np
from pycocotools.coco import COCO
from safetensors import safe_open
from sklearn.manifold import trustworthiness
from sklearn.metrics import accuracy_score


class Program:
    def __init__(self, path, folder):
        self.path, self.folder = path, folder

    def __call__(self, *words):
        done = subprocess.run([self.path, *map(str, words)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(map(str, words))}\n{done.stderr}")
        return done.stdout

    def json(self, *words):
        return json.loads(self(*words, "--json"))


def predictions(kinolens, run, data):
    """Arrays and table say the same, and the report follows from them."""
    table, arrays = (kinolens.folder / f"said.{kind}" for kind in ("csv", "safetensors"))
    report = kinolens.json(
        "evaluate", run, data, "--split", "test", "--out", kinolens.folder / "judged",
        "--export-predictions", table, "--export-predictions", arrays,
    )
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    header, rows = rows[0], rows[1:]
    with safe_open(arrays, framework="numpy") as file:
        about = file.metadata()
        found = {key: file.get_tensor(key) for key in file.keys()}
    classes, clips = json.loads(about["classes"]), json.loads(about["clips"])
    probabilities, targets = found["probabilities"], found["targets"]
    assert probabilities.dtype == np.float32 and targets.dtype == np.int64
    assert probabilities.shape == (len(rows), len(classes)) and len(clips) == len(rows)
    assert header[9:] == [f"p_{name}" for name in classes]
    assert np.array_equal(probabilities, np.array([row[9:] for row in rows], dtype=np.float32))
    assert [row[3] for row in rows] == [classes[t] for t in targets]
    assert [f"{row[0]}:{row[2]}" for row in rows] == clips
    assert abs(probabilities.sum(1) - 1).max() < 1e-5
    assert np.array_equal(probabilities.argmax(1), found["predicted"])
    assert abs(accuracy_score(targets, found["predicted"]) - report["accuracy"]) < 1e-12
    return len(rows)


def parts_of(kinolens, data):
    """What kinolens itself lists: (video, first frame, frame behind the last, class), of labelled parts with a class."""
    listed = kinolens.json("inspect", data, "--instances")
    names = [c["name"] for c in listed["classes"]]
    return sorted(
        (i["video"], i["start_frame"], i["end_frame"], names[c]) for i in listed["instances"] for c in i["classes"]
    ), listed


def coco(kinolens, run, data, parts):
    out = kinolens.folder / "coco"
    kinolens("export-labels", data, "--to", "coco", "--out", out, "--predictions", run, "--split", "test")
    truth = COCO(str(out / "annotations.json"))
    images = truth.loadImgs(truth.getImgIds())
    videos = {v["id"]: v["name"] for v in truth.dataset["videos"]}
    names = {c["id"]: c["name"] for c in truth.loadCats(truth.getCatIds())}
    frame_of = {i["id"]: i["frame_index"] for i in images}
    found = []
    for track in truth.dataset["tracks"]:
        frames = [frame_of[a["image_id"]] for a in truth.dataset["annotations"] if a["track_id"] == track["id"]]
        assert sorted(frames) == list(range(min(frames), max(frames) + 1))
        found.append((videos[track["video_id"]], min(frames), max(frames) + 1, names[track["category_id"]]))
    expected = [p for p in parts if p[0] in set(videos.values())]
    assert sorted(found) == expected, (sorted(found)[:3], expected[:3])
    results = truth.loadRes(str(out / "predictions.json"))
    assert results.getAnnIds() and all(0 <= a["score"] <= 1 for a in results.dataset["annotations"])
    return len(found)


def cvat(kinolens, run, data, parts):
    """Every track of the label 'person' is a part; the boxes of each follow frame by frame."""
    out = kinolens.folder / "cvat"
    kinolens("export-labels", data, "--to", "cvat", "--out", out, "--predictions", run)
    found, predictions = [], 0
    for path in out.glob("*.xml"):
        root = xml.etree.ElementTree.parse(path).getroot()
        assert root.find("version").text == "1.1" and root.find("meta/task/mode").text == "interpolation"
        declared = {v for v in root.find("meta/task/labels/label/attributes/attribute/values").text.split("\n")}
        for track in root.iter("track"):
            boxes = [b for b in track.iter("box") if b.get("outside") == "0"]
            frames = [int(b.get("frame")) for b in boxes]
            assert frames == list(range(frames[0], frames[-1] + 1))
            if track.get("label") != "person":
                predictions += 1
                continue
            actions = {a.text for b in boxes for a in b.iter("attribute") if a.get("name") == "action"}
            assert len(actions) == 1 and actions <= declared
            found.append((root.find("meta/task/source").text, frames[0], frames[-1] + 1, actions.pop()))
    assert sorted(found) == parts and predictions > 0
    return len(found)


def fiftyone(kinolens, run, data, parts):
    out = kinolens.folder / "fiftyone"
    kinolens("export-labels", data, "--to", "fiftyone", "--out", out, "--predictions", run)
    try:
        import fiftyone as fo
        import fiftyone.core.odm as odm
        import fiftyone.utils.data as importers
    except ImportError:
        return "fiftyone is not installed: its importers were not asked"
    counts = []
    for labels in ("labels.json", "predictions.json"):
        importer = importers.FiftyOneTemporalDetectionDatasetImporter(
            dataset_dir=str(out), data_path="data.json", labels_path=labels
        )
        found = []
        with importer:
            for place, _, detections, _ in importer:
                assert pathlib.Path(place).is_file(), place
                name = pathlib.Path(place).resolve().relative_to(pathlib.Path(data).resolve()).as_posix()
                for d in detections.detections if detections else []:
                    first, last = d.support
                    assert labels == "labels.json" or 0 <= d.confidence <= 1
                    found.append((name, first - 1, last, d.label))
        counts.append(len(found))
        if labels == "labels.json":
            assert sorted(found) == parts, (sorted(found)[:3], parts[:3])
    assert counts[1] > 0
    # The dataset as a whole, as far as no database is needed: fields, and each sample.
    whole = json.loads((out / "dataset.json").read_text(encoding="utf-8"))
    for field in whole["sample_fields"].values():
        odm.get_field_kwargs(field)
    found = []
    for row in whole["samples"]:
        assert row.pop("frames") == {}
        sample = fo.Sample.from_dict(row)
        found += [(d.support[0] - 1, d.support[1], d.label) for d in sample.events.detections]
        assert sample.metadata.total_frame_count > 0
    assert sorted(found) == sorted(p[1:] for p in parts)
    return f"FiftyOne's importer reads {counts[0]} temporal detections"


def map_of_clips(kinolens, run, data):
    """The trustworthiness of both arrangements is scikit-learn's."""
    video = next(pathlib.Path(data).rglob("*.mp4"))
    out = kinolens.folder / "inside"
    report = kinolens.json(
        "look-inside", run, video, "--dataset", data, "--split", "all", "--clips", 60, "--layer", "pool", "--out", out,
        "--page", kinolens.folder / "page.html",
    )
    survey = report["survey"]
    points = survey["map"]["points"]
    # Distances of the nearest tell the features apart from any file; the features themselves are read clip by clip.
    features = []
    for clip in survey["clips"]:
        one = kinolens.folder / "one"
        kinolens("look-inside", run, data, "--clip", f"{clip['video']}:{clip['start']}", "--layer", survey["map_layer"], "--out", one, "--force")
        values = np.load(one / f"{survey['map_layer']}.npy").astype(np.float64)
        features.append(values.reshape(values.shape[0], -1).mean(1).astype(np.float32))
    features = np.array(features, dtype=np.float64)
    for i, point in enumerate(points):
        j, distance = point["nearest"][0]
        assert abs(np.linalg.norm(features[i] - features[j]) - distance) < 1e-3 * (1 + distance)
    along = np.array([p["place"][:2] for p in points])
    by = np.array(survey["map"]["neighbours"]["places"])
    checked = [
        (survey["map"]["trustworthiness"], trustworthiness(features, along, n_neighbors=5)),
        (survey["map"]["neighbours"]["trustworthiness"], trustworthiness(features, by, n_neighbors=5)),
    ]
    # Rounding may change the order of neighbours that are equally far.
    assert all(abs(a - b) < 2e-3 for a, b in checked), checked
    return checked


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinolens", type=pathlib.Path, required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        kinolens = Program(args.kinolens.resolve(), folder)
        data, run = folder / "demo", folder / "run"
        kinolens("demo", data, "--subjects", "3")
        kinolens("train", data, "--out", run, "--preset", "demo", "--epochs", "1", "--device", "cpu", "--set", "model.id=small-2d")
        parts, _ = parts_of(kinolens, data)
        print(f"{predictions(kinolens, run, data)} predictions are the same as a table and as arrays")
        print(f"pycocotools reads {coco(kinolens, run, data, parts)} tracks")
        print(f"{cvat(kinolens, run, data, parts)} tracks of CVAT are the parts of the dataset")
        print(fiftyone(kinolens, run, data, parts))
        print(f"trustworthiness of the maps, and scikit-learn's: {map_of_clips(kinolens, run, data)}")


if __name__ == "__main__":
    main()
