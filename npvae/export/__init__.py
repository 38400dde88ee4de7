"""The model of a run elsewhere: as a readable program for PyTorch or JAX with its weights, or as ONNX files.

    weights.py           the weights in the layout of each library, and back
    pieces.py            what the programs have in common
    torch_program.py     the program for PyTorch; its loss is in torch_loss.py
    jax_program.py       the program for JAX; its loss is in jax_loss.py
    with_onnx.py         encoder.onnx and decoder.onnx
    folder.py            the folder of `npvae export`, and `npvae import`
"""
