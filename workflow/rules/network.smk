rule write_network:
    input:
        "results/{dataset}/stages/prepared.h5",
        "results/{dataset}/stages/config.json",
        "results/{dataset}/stages/permuted.h5",
        "results/{dataset}/stages/screen.npz",
        "results/{dataset}/stages/fit.npz",
        "results/{dataset}/stages/order.npz",
        shard_stages,
        resample_parts,
    output:
        edges="results/{dataset}/edges.tsv.gz",
        parquet="results/{dataset}/edges.parquet",
        ranking="results/{dataset}/ranking.tsv.gz",
        nodes="results/{dataset}/nodes.tsv",
        h5ad="results/{dataset}/network.h5ad",
        run="results/{dataset}/run.json",
    log:
        "logs/{dataset}/network.log",
    benchmark:
        "logs/{dataset}/network.benchmark.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=planned_mb("network"),
        runtime=planned_minutes("network"),
    params:
        out=subpath(output.edges, parent=True),
    message:
        "Write the network of {wildcards.dataset} with its confidence."
    shell:
        "acyclome network {params.out:q} --threads {threads} > {log:q} 2>&1"
