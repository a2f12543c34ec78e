# acyclome with everything it needs, on processors:
#   docker build -t acyclome .
#   docker run --rm -v "$PWD:/work" acyclome run pbmc.h5ad --layer counts -o out/
# Apptainer takes it from there: apptainer build acyclome.sif docker-daemon://acyclome:latest
FROM python:3.11-slim-bookworm

# The builds of PyTorch without CUDA, some gigabytes smaller, are on an index of their own; its site says which:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=ADDRESS ...
ARG PIP_EXTRA_INDEX_URL

WORKDIR /opt/acyclome
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
# Kernels are compiled once, here, into a folder that whoever runs the image may write to, as numba asks of it.
ENV NUMBA_CACHE_DIR=/opt/kernels
RUN pip install --no-cache-dir -c constraints.txt '.[report,dask]' \
    && acyclome benchmark --d 60 --seeds 1 --methods acyclome --quiet \
    && chmod -R a+rwX /opt/kernels

RUN useradd --create-home --uid 1000 acyclome
USER 1000
WORKDIR /work
ENTRYPOINT ["acyclome"]
CMD ["--help"]
