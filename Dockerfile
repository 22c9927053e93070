# The app in a container: docker build -t cnn-lytical . && docker run -p 8501:8501 cnn-lytical
# See docs/hosting.md for GPU builds, several replicas and Hugging Face Spaces.
FROM python:3.12-slim

# CPU wheels of torch by default: no CUDA libraries, an image of about a quarter of the size.
# For a GPU: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu126
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# Streamlit's check against forged uploads. Only inside a Space's frame does it have to be off.
ARG XSRF_PROTECTION=true

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=$XSRF_PROTECTION

# Spaces run the container as uid 1000; HF_HOME stays at its default, because preload_from_hub
# fills ~/.cache/huggingface and nothing else.
RUN useradd --create-home --uid 1000 user
WORKDIR /home/user/app

# Dependencies first: this layer is built again only when they change.
COPY requirements.txt .
RUN pip install --extra-index-url "$TORCH_INDEX" -r requirements.txt

COPY --chown=1000:1000 . .
USER 1000:1000
EXPOSE 8501

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]

CMD ["streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true"]
