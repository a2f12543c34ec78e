"""Networks in and out: the folder of a run, or one file whose ending tells what it is."""

from __future__ import annotations

import os
from pathlib import Path

from acyclome.errors import InputError
from acyclome.io import formats
from acyclome.io.atomic import ensure_writable
from acyclome.io.lock import whole_folder
from acyclome.io.objects import check_network
from acyclome.io.runs import RunFolder
from acyclome.network import Network

_SLASHES = tuple(filter(None, (os.sep, os.altsep)))


def read(path: str | os.PathLike[str], key: str = "dag", *, group: str | None = None) -> Network:
    """Read the network of a run from its folder, or one that an AnnData file holds.

    Parameters
    ----------
    path
        Folder of a run, or of one of its groups; or an h5ad or zarr file that ``acyclome`` or a scanpy session wrote.
    key, group
        Of a file: as in :func:`acyclome.get.network`.

    Raises
    ------
    InputError
        If there is no network, or a file is damaged.

    Examples
    --------
    >>> ac.write(net, "out/")
    >>> ac.read("out/")
    Network of 10 genes and 4 edges
    >>> adata.write_h5ad("cells.h5ad")
    >>> ac.read("cells.h5ad", "types", group="CD14 Mono")
    Network of 10 genes and 3 edges
    """
    if Path(path).suffix in (".h5ad", ".zarr"):
        return formats.read_anndata(path, key, group)
    return RunFolder(path).read_network()


def write(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network as one file of the format that its ending tells, or as the files of a run.

    Parameters
    ----------
    network
        What to write.
    path
        ``net.h5ad`` (all of it), ``net.graphml``, ``edges.tsv.gz`` ... as of ``acyclome export``; a name without an
        ending, or with a slash behind it, is a folder, made if need be, which ``read`` gives back, where files of the
        same names are replaced.

    Raises
    ------
    InputError
        If the folder cannot be written to, or the ending is that of a format that is not written.

    Examples
    --------
    >>> ac.write(net, "network.graphml")
    >>> ac.write(net, "out/")
    """
    check_network(network)
    if not os.fspath(path):
        msg = "path is empty; expected the name of a file or a folder, '.' for the one that Python was called in."
        raise InputError(msg)
    ending = formats.by_ending(Path(path))
    names_folder = os.path.isdir(path) or os.fspath(path).endswith(_SLASHES)  # noqa: PTH112
    is_folder = names_folder and ending != "zarr"  # which is one itself
    if ending in formats.FORMATS and not is_folder:
        formats.export(network, path)
        return
    if ending.isalpha() and not is_folder:  # by net.xlsx nobody means a folder, as perhaps by run.v2
        msg = (
            f"{os.fspath(path)!r} ends in .{ending}, a format that is not written; expected one of "
            f"{', '.join(formats.FORMATS)}. For a folder of this name put a slash behind it: {os.fspath(path) + '/'!r}."
        )
        raise InputError(msg)
    folder = RunFolder(path)
    with whole_folder(ensure_writable(folder.path)):
        folder.write_network(network)
