rule export_network:
    input:
        edges="results/{dataset}/edges.tsv.gz",
        nodes="results/{dataset}/nodes.tsv",
        run="results/{dataset}/run.json",
    output:
        "results/{dataset}/network.{format}",
    log:
        "logs/{dataset}/export-{format}.log",
    benchmark:
        "logs/{dataset}/export-{format}.benchmark.tsv"
    wildcard_constraints:
        dataset=NETWORKS,
        format="|".join(map(re.escape, EXPORTS)),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(2000, 20),
        runtime=runtime_minutes(30),
    params:
        out=subpath(input.edges, parent=True),
    message:
        "Write the network of {wildcards.dataset} as {wildcards.format}."
    shell:
        "acyclome export {params.out:q} --output {output:q} > {log:q} 2>&1"
