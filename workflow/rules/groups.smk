checkpoint list_groups:
    input:
        expression=row_path,
    output:
        "results/{row}/groups.tsv",
    log:
        "logs/{row}/groups.log",
    benchmark:
        "logs/{row}/groups.benchmark.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(2000, 4),
        runtime=runtime_minutes(30),
    params:
        column=lambda wildcards: OPTIONS[wildcards.row]["input"]["group_by"],
        genes_as=lambda wildcards: OPTIONS[wildcards.row]["input"]["genes_as"],
    message:
        "List the groups of {wildcards.row}, each of which gets a network."
    shell:
        "acyclome inspect {input.expression:q} --groups {params.column:q} --genes-as {params.genes_as}"
        " --output {output:q} > {log:q} 2>&1"


rule learn_together:
    input:
        expression=row_path,
        config="resources/config/{row}.yaml",
        knowledge=row_knowledge,
    output:
        differential=report(
            "results/{row}/differential.tsv.gz",
            caption="../report/differential.rst",
            category="{row}",
            labels={"data set": "{row}", "what": "differences of the groups"},
        ),
        edges="results/{row}/shared/edges.tsv.gz",
        ranking="results/{row}/shared/ranking.tsv.gz",
        nodes="results/{row}/shared/nodes.tsv",
        run="results/{row}/shared/run.json",
        page=report(
            "results/{row}/shared/report.html",
            caption="../report/report.rst",
            category="{row}",
            labels={"data set": "{row}", "what": "report of what groups share"},
        ),
        groups=report(
            "results/{row}/report.html",
            caption="../report/groups.rst",
            category="{row}",
            labels={"data set": "{row}", "what": "the groups beside one another"},
        ),
    log:
        "logs/{row}/together.log",
    benchmark:
        "logs/{row}/together.benchmark.tsv"
    wildcard_constraints:
        row=TOGETHER,
    conda:
        ENVIRONMENT
    threads: 8
    resources:
        mem_mb=memory_mb(8000, 12),
        runtime=runtime_minutes(480),
    params:
        out=subpath(output.differential, parent=True),
        device=DEVICE,
    message:
        "Learn all groups of {wildcards.row} together, along one order."
    shell:
        "acyclome run {input.expression:q} -o {params.out:q} --config {input.config:q} --overwrite"
        " --threads {threads} {params.device} > {log:q} 2>&1"


rule take_group:
    input:
        differential=learned_together,
    output:
        edges=update("results/{dataset}/edges.tsv.gz"),
        parquet=update("results/{dataset}/edges.parquet"),
        ranking=update("results/{dataset}/ranking.tsv.gz"),
        nodes=update("results/{dataset}/nodes.tsv"),
        h5ad=update("results/{dataset}/network.h5ad"),
        run=update("results/{dataset}/run.json"),
        page=report(
            update("results/{dataset}/report.html"),
            caption="../report/report.rst",
            category="{dataset}",
            labels={"data set": "{dataset}", "what": "report"},
        ),
    log:
        "logs/{dataset}/take.log",
    benchmark:
        "logs/{dataset}/take.benchmark.tsv"
    wildcard_constraints:
        dataset=GROUPS_OF_THEM,
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=100,
        runtime=5,
    message:
        "Take the network of {wildcards.dataset}, which was learned with those of the other groups."
    shell:
        "touch --no-create {output:q} > {log:q} 2>&1"
