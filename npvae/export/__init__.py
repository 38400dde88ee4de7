"""The model of a run elsewhere: as a program of PyTorch or JAX with its weights, or as ONNX files.

    layers.py       the layers of a model in order, and the weights of each in the layout of each library
    pieces.py       what the programs of both libraries share: which model has which loss
    torch_program.py, jax_program.py    the programs
    onnx_files.py   encoder.onnx and decoder.onnx
    folder.py       the folder of `npvae export`, and `npvae import`
"""
