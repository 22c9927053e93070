"""Each architecture in plain PyTorch, one file each; published as ``<model>/network.py``.

Such a file imports torch and nothing of this project. Its ``build(**arguments)`` takes
``config["arguments"]`` and returns an ``nn.Module`` that ``model.safetensors`` fits strictly.
"""
