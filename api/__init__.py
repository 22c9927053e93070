"""The answers over HTTP, beside the pages and from the same loaded models.

``GET /api/models``, ``POST /api/predict/{model}``, ``GET /api/example/{model}``; ``/api/docs`` says
the rest. Thin routes on :mod:`zoo`: no Streamlit, nothing of pages/; app.py mounts
:class:`api.application.Api` and hands it the models. Plain Starlette, which Streamlit is made of:
FastAPI on top of it would cost every server 15 MB, and its page asks a foreign host for its code.
"""
