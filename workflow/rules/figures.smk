rule draw_figures:
    input:
        edges="results/{dataset}/edges.tsv.gz",
        ranking="results/{dataset}/ranking.tsv.gz",
        nodes="results/{dataset}/nodes.tsv",
        run="results/{dataset}/run.json",
    output:
        figure("top_regulators"),
        figure("hierarchy"),
        figure("edge_stability"),
        figure("convergence"),
        edges=report(
            "results/{dataset}/figures/edges.html",
            caption="../report/edges.rst",
            category="{dataset}",
            labels={"data set": "{dataset}", "what": "edges, best first"},
        ),
        genes=report(
            "results/{dataset}/figures/genes.html",
            caption="../report/nodes.rst",
            category="{dataset}",
            labels={"data set": "{dataset}", "what": "genes in causal order"},
        ),
    log:
        "logs/{dataset}/figures.log",
    benchmark:
        "logs/{dataset}/figures.benchmark.tsv"
    wildcard_constraints:
        dataset=NETWORKS,
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(2000, 20),
        runtime=runtime_minutes(30),
    params:
        out=subpath(input.edges, parent=True),
        folder=subpath(output.edges, parent=True),
    message:
        "Draw the figures of {wildcards.dataset}, and its tables as pages."
    shell:
        "acyclome figures {params.out:q} -o {params.folder:q} > {log:q} 2>&1"
