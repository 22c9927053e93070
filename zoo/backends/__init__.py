"""A network outside of PyTorch: as an ONNX file, and run by ONNX Runtime or OpenVINO.

`onnx_layers` has the ONNX form of each layer, `onnx_file` a whole model with its metadata, checked
against the network; `engines` runs one, and says so if its package is not installed.
"""
