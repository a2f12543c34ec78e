rule write_report:
    input:
        edges="results/{dataset}/edges.tsv.gz",
        ranking="results/{dataset}/ranking.tsv.gz",
        nodes="results/{dataset}/nodes.tsv",
        run="results/{dataset}/run.json",
    output:
        report(
            "results/{dataset}/report.html",
            caption="../report/report.rst",
            category="{dataset}",
            labels={"data set": "{dataset}", "what": "report"},
        ),
    log:
        "logs/{dataset}/report.log",
    benchmark:
        "logs/{dataset}/report.benchmark.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(2000, 20),
        runtime=runtime_minutes(30),
    params:
        out=subpath(output[0], parent=True),
    message:
        "Write the report of {wildcards.dataset}."
    shell:
        "acyclome report {params.out:q} > {log:q} 2>&1"
