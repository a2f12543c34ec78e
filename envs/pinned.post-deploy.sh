#!/usr/bin/env bash
# In its own repository the workflow uses the package beside it, elsewhere the published one of the same version.
set -euo pipefail
if grep -qs '^name = "acyclome"' pyproject.toml; then
    python -m pip install --no-deps .
else
    python -m pip install --no-deps "acyclome==0.1.0"
fi
