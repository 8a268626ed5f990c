"""Reads folders of event files as TensorBoard does and says what it would show.

Argument: {"folders": [...]}. Prints a list with one {"scalars": {tag: [[step, value], ...]}, "texts": {tag: [text, ...]}} a folder;
values are written as text, since JSON has no NaN.
"""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util


def shown(folder):
    events = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0})  # 0: keep all
    events.Reload()
    tags = events.Tags()
    return {
        "scalars": {tag: [[one.step, repr(one.value)] for one in events.Scalars(tag)] for tag in tags["scalars"]},
        "texts": {tag: [tensor_util.make_ndarray(one.tensor_proto)[0].decode() for one in events.Tensors(tag)] for tag in tags["tensors"]},
        "plugins": {tag: events.SummaryMetadata(tag).plugin_data.plugin_name for tag in tags["tensors"]},
    }


print(json.dumps([shown(folder) for folder in json.loads(sys.argv[1])["folders"]]))
