"""encoder.onnx and decoder.onnx: the networks in evaluation mode, as graphs that any ONNX runtime computes.

    encoder.onnx   x (N, D), and the labels y (N,) of a conditional model  ->  mu and logvar (N, latent_dim), or z
    decoder.onnx   z (N, latent_dim), and y  ->  output (N, D) of the decoder, and mean (N, D) of p(x | z)

Each x is a row of pixels, as in npvae: an image has its channels last. Inside the graphs, convolutions have them first,
as ONNX demands.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..nn import BatchNorm, Conv2d, ConvTranspose2d, Dense, Reshape, Sequential
from ..probability.continuous_bernoulli import NEAR
from .weights import plain

OPSET = 17
IR_VERSION = 8  # of the files: old enough for most runtimes


class Graph:
    """A graph under construction: nodes, and the arrays that they need."""

    def __init__(self):
        self.nodes, self.arrays = [], {}

    def add(self, operation, *inputs, **attributes):
        """Append a node; return the name of its output. An input is a name, or an array."""
        names = [each if isinstance(each, str) else self.array(each) for each in inputs]
        output = f"{operation.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, names, [output], **attributes))
        return output

    def array(self, values, name=None):
        """Keep an array; return its name."""
        name = name or f"constant_{len(self.arrays)}"
        self.arrays[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def number(self, value):
        """Keep a number as float32; return its name."""
        return self.array(np.array(value, np.float32))

    def named(self, output, name):
        """Give an output another name."""
        self.nodes.append(helper.make_node("Identity", [output], [name]))

    def bytes(self, inputs, outputs, title):
        """Return the graph as the bytes of a file.

        inputs, outputs   dicts from names to numbers of columns; the labels y have none
        """
        described = [
            [helper.make_tensor_value_info(name, *_type(name, columns)) for name, columns in each.items()]
            for each in (inputs, outputs)
        ]
        graph = helper.make_graph(self.nodes, title, *described, list(self.arrays.values()))
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="npvae")
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString()


def _type(name, columns):
    return (TensorProto.INT64, ["N"]) if name == "y" else (TensorProto.FLOAT, ["N", columns])


ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softplus": "Softplus"}


def add_layer(graph, module, name, h):
    """Append a layer, or the layers of a Sequential, to a graph; return the name of the output."""

    def kept(key, a):  # the weights keep their names
        return graph.array(a, f"{plain(name)}.{key}")

    if isinstance(module, Sequential):
        for i, part in enumerate(module.layers):
            h = add_layer(graph, part, f"{name}.{i}", h)
        return h
    if isinstance(module, Dense):
        return graph.add("Gemm", h, kept("W", module.W.data), kept("b", module.b.data))
    if isinstance(module, (Conv2d, ConvTranspose2d)):
        W, b = kept("W", module.W.data.transpose(3, 2, 0, 1)), kept("b", module.b.data)
        sizes = {"strides": [module.stride] * 2, "pads": [module.padding] * 4}
        if isinstance(module, Conv2d):
            return graph.add("Conv", h, W, b, **sizes)
        return graph.add("ConvTranspose", h, W, b, output_padding=[module.output_padding] * 2, **sizes)
    if isinstance(module, BatchNorm):
        arrays = [module.gamma.data, module.beta.data, module.running_mean, module.running_variance]
        keys = ("gamma", "beta", "running_mean", "running_variance")
        return graph.add("BatchNormalization", h, *map(kept, keys, arrays), epsilon=module.eps)
    if isinstance(module, Reshape):
        shape = np.array([-1, *module.shape], np.int64)
        if len(module.shape) == 3:
            return graph.add("Transpose", graph.add("Reshape", h, shape), perm=[0, 3, 1, 2])
        return graph.add("Reshape", graph.add("Transpose", h, perm=[0, 2, 3, 1]), shape)
    if module.label() == "leaky_relu":
        return graph.add("LeakyRelu", h, alpha=module.options["slope"])
    return graph.add(ACTIVATIONS[module.label()], h)


def with_labels(graph, model, h):
    """Append the one-hot labels y to the rows h, if the model needs them."""
    if not model.needs_labels:
        return h
    y = graph.add("Unsqueeze", "y", np.array([1]))
    is_label = graph.add("Equal", y, model.labels.reshape(1, -1).astype(np.int64))
    return graph.add("Concat", h, graph.add("Cast", is_label, to=TensorProto.FLOAT), axis=1)


def encoder(model):
    """Return encoder.onnx as bytes."""
    graph, h = Graph(), "x"
    if model.rescales:
        h = graph.add("Sub", graph.add("Mul", h, graph.number(2)), graph.number(1))
    h = add_layer(graph, model.encoder, "encoder", with_labels(graph, model, h))
    if model.has_bound:
        for name in ("mu", "logvar"):
            graph.named(add_layer(graph, getattr(model, name), name, h), name)
    else:
        graph.named(h, "z")
    names = ("mu", "logvar") if model.has_bound else ("z",)
    return graph.bytes(_inputs(model, "x", model.data_dim), dict.fromkeys(names, model.latent_dim), "encoder")


def decoder(model, likelihood=None):
    """Return decoder.onnx as bytes. likelihood: the name of a likelihood, None for an autoencoder."""
    graph = Graph()
    output = add_layer(graph, model.decoder, "decoder", with_labels(graph, model, "z"))
    graph.named(output, "output")
    graph.named(_mean(graph, model.rescales, likelihood, output), "mean")
    outputs = dict.fromkeys(("output", "mean"), model.data_dim)
    return graph.bytes(_inputs(model, "z", model.latent_dim), outputs, "decoder")


def _inputs(model, name, columns):
    return {name: columns} | ({"y": None} if model.needs_labels else {})


def _mean(graph, rescales, likelihood, output):
    """Append the mean of p(x | z), computed from the decoder's output as in `model.generate`."""
    if rescales:
        return graph.add("Mul", graph.add("Add", output, graph.number(1)), graph.number(0.5))
    if likelihood == "bernoulli":
        return graph.add("Sigmoid", output)
    if likelihood == "continuous-bernoulli":
        return _continuous_bernoulli_mean(graph, output)
    if likelihood == "discretized-logistic":
        return graph.add("Clip", output, graph.number(0), graph.number(1))
    return output


def _continuous_bernoulli_mean(graph, l):
    """Append A'(l) = 1 / (1 − e⁻ˡ) − 1/l, and near 0 its series: see probability/continuous_bernoulli.py."""
    near = graph.add("Less", graph.add("Abs", l), graph.number(NEAR[np.dtype(np.float32)]))
    one = graph.number(1)
    m = graph.add("Where", near, one, graph.add("Abs", l))
    tail = graph.add("Sub", one, graph.add("Exp", graph.add("Neg", m)))
    mean = graph.add("Sub", graph.add("Reciprocal", tail), graph.add("Reciprocal", m))
    mean = graph.add("Where", graph.add("Greater", l, graph.number(0)), mean, graph.add("Sub", one, mean))
    l2, series = graph.add("Mul", l, l), graph.number(1 / 30240)
    for coefficient in (-1 / 720, 1 / 12):                              # ½ + l (1/12 + l² (−1/720 + l² / 30240))
        series = graph.add("Add", graph.add("Mul", series, l2), graph.number(coefficient))
    series = graph.add("Add", graph.add("Mul", series, l), graph.number(0.5))
    return graph.add("Where", near, series, mean)


def files(run):
    """Return the two files of a run: a dict from names to bytes."""
    return {"encoder.onnx": encoder(run.model), "decoder.onnx": decoder(run.model, run.settings.get("likelihood"))}
